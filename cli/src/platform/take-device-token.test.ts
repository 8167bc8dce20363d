import { type ProblemCode, Problem } from "@feedback-chat/protocol/problem";
import { expect, it } from "vitest";
import type { ApiClient } from "./api-client.ts";
import { takeDeviceToken } from "./take-device-token.ts";

const started = {
  deviceCode: "d", userCode: "BCDF-GHJK", verificationUrl: "http://localhost/device",
  verificationUrlComplete: "http://localhost/device#code=BCDF-GHJK", expiresInSeconds: 600, intervalSeconds: 5,
}; // prettier-ignore
const token = { id: "key_1", prefix: "fcu_", key: "fcu_x" };

/** A server that gives these answers one after the other, and the pauses before them. */
function script(answers: (ProblemCode | typeof token)[]) {
  const pauses: number[] = [];
  const call = async () => {
    const answer = answers.shift() ?? "conflict";
    if (typeof answer === "string") throw new Problem(answer, "said so");
    return answer;
  };
  const deps = {
    api: { call: call as unknown as ApiClient["call"] },
    pause: async (seconds: number) => void pauses.push(seconds),
    elapsedSeconds: () => pauses.reduce((sum, one) => sum + one, 0),
  };
  return { pauses, taken: takeDeviceToken(deps, started) };
}

it("asks at the server's pace, slower after too soon and in an outage, until it has the token", async () => {
  const { pauses, taken } = script([
    "authorization_pending",
    "rate_limited",
    "network",
    "authorization_pending",
    token,
  ]);
  expect(await taken).toEqual(token);
  expect(pauses).toEqual([5, 5, 10, 20, 20]);
});

it("says apart that it was refused, that its time is over, and that nobody answers", async () => {
  await expect(script(["forbidden"]).taken).rejects.toMatchObject({ code: "forbidden" });
  await expect(script(["authorization_pending", "not_found"]).taken).rejects.toThrow(/code is over/);
  const silent = script(Array.from({ length: 40 }, () => "network" as const));
  await expect(silent.taken).rejects.toMatchObject({ code: "network" });
  expect(silent.pauses.length).toBeLessThan(25);
});
