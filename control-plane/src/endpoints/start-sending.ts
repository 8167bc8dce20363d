import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { deliverMessages, forgetMessages } from "./deliver-messages.ts";

/** Sends what transitions queued for endpoints, as soon as they are committed. */
export function startSending(deps: AppDeps): Doing {
  const everySeconds = deps.config.figures.sweepEverySeconds;
  return keepDoing(deps, { name: "endpoints", everySeconds, channel: "outbox" }, async (stopped) => {
    while (!stopped.aborted && (await deliverMessages(deps)) > 0);
    await forgetMessages(deps);
  });
}
