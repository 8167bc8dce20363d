import { healthz } from "@feedback-chat/protocol/healthz";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { makeHealth } from "../../src/health/make-health.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform({ env: { FEEDBACK_CHAT_ENV: "preview", GIT_SHA: "abc1234" } });
});
afterAll(() => platform[Symbol.asyncDispose]());
afterEach(() => void vi.useRealTimers());

it("answers in the types that uptime monitors were promised", async () => {
  const { status, body } = await platform.call("GET", "/api/healthz");
  expect(status).toBe(200);
  expect(healthz.strict().parse(body)).toEqual({
    sha: "abc1234",
    env: "preview",
    up: true,
    deps: { database: true, masterKey: true, queue: true },
  });
});

it("checks again after a second although the system's clock jumped back", async () => {
  let elapsedMs = 0;
  const sealing = { ...platform.deps.sealing, isReady: true };
  const health = makeHealth({ ...platform.deps, sealing, monotonicMs: () => elapsedMs });
  expect((await health()).deps.masterKey).toBe(true);
  sealing.isReady = false;
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
  elapsedMs = 999;
  expect((await health()).deps.masterKey).toBe(true);
  elapsedMs = 1_000;
  expect((await health()).deps.masterKey).toBe(false);
});
