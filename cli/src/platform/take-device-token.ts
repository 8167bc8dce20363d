import type { DeviceCodeAnswer } from "@feedback-chat/protocol/device";
import { postAuthDeviceToken } from "@feedback-chat/protocol/operations";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { CreatedKey } from "@feedback-chat/protocol/project";
import type { ApiClient } from "./api-client.ts";

type Deps = {
  api: Pick<ApiClient, "call">;
  pause: (seconds: number) => Promise<void>;
  /** Of a clock that nobody sets: this machine's time may be wrong by minutes. */
  elapsedSeconds: () => number;
};

/** A proxy that hangs once must not cost the code. */
const troubles = ["network", "unavailable"];

/**
 * Asks until a person has decided about the code (RFC 8628): as often as the server wants, after "too soon" half as
 * often, and on through an outage of the network.
 * @throws Problem forbidden (refused), not_found (over, or used by another)
 */
export async function takeDeviceToken(
  { api, pause, elapsedSeconds }: Deps,
  { deviceCode, expiresInSeconds, intervalSeconds }: DeviceCodeAnswer,
): Promise<CreatedKey> {
  for (let everySeconds = intervalSeconds; ;) {
    await pause(everySeconds);
    try {
      return await api.call(postAuthDeviceToken, { body: { deviceCode } });
    } catch (error) {
      if (isProblem(error, "not_found"))
        throw new Problem("not_found", "The code is over: nobody let this command line in.", {
          next: "Run `feedback-chat login` again.",
        });
      if (isProblem(error, "forbidden"))
        throw new Problem("forbidden", "A person refused this login.", {
          next: "Run `feedback-chat login` again if it was yours.",
        });
      const isTrouble = isProblem(error) && troubles.includes(error.code);
      if (isTrouble && elapsedSeconds() > expiresInSeconds) throw error;
      if (isProblem(error, "rate_limited") || isTrouble) everySeconds = Math.min(everySeconds * 2, 30);
      else if (!isProblem(error, "authorization_pending")) throw error;
    }
  }
}
