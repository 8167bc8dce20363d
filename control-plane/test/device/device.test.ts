import { deviceCodeAnswer, deviceLookAnswer } from "@feedback-chat/protocol/device";
import { createdKey, me } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { ann, signInOwner } from "../support/sign-in.ts";

async function start(platform: TestPlatform) {
  const { body } = await platform.call("POST", "/api/auth/device/code", { body: { machine: "laptop" } });
  return deviceCodeAnswer.parse(body);
}
const ask = (platform: TestPlatform, deviceCode: string) =>
  platform.call("POST", "/api/auth/device/token", { body: { deviceCode } });
const decide = (platform: TestPlatform, headers: Record<string, string>, userCode: string, decision = "approved") =>
  platform.call("POST", "/v1/device/decide", { body: { userCode, decision }, headers });
const move = ({ deps }: TestPlatform, seconds: number) =>
  asSystem(deps.db, (tx) =>
    sql`update fc.device_codes set expires_at = expires_at - make_interval(secs => ${seconds}),
      last_polled_at = last_polled_at - make_interval(secs => ${seconds})`.execute(tx),
  );

it("lets a command line in with a token of ours, once, when a person has approved its code", async () => {
  await using platform = await openTestPlatform();
  const headers = await signInOwner(platform);
  const { deviceCode, userCode, verificationUrlComplete, ...rest } = await start(platform);
  expect(rest).toEqual({ expiresInSeconds: 600, intervalSeconds: 5, verificationUrl: "http://localhost/device" });
  expect(verificationUrlComplete).toContain(`#code=${userCode}`);
  expect(await ask(platform, deviceCode)).toMatchObject({ status: 400, body: { code: "authorization_pending" } });
  const typed = userCode.toLowerCase().replace("-", " ");
  const look = await platform.call("POST", "/v1/device/look", { body: { userCode: typed }, headers });
  expect(deviceLookAnswer.parse(look.body)).toMatchObject({ machine: "laptop", address: "0.0.0.0" });
  const decided = await Promise.all([decide(platform, headers, typed), decide(platform, headers, userCode)]);
  expect(decided.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404]);
  await move(platform, 5);
  const answers = await Promise.all([ask(platform, deviceCode), ask(platform, deviceCode)]);
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([200, 404]);
  const { key } = createdKey.parse(answers.find(({ status }) => status === 200)?.body);
  expect(key).toMatch(/^fcu_/);
  expect(me.parse((await platform.call("GET", "/v1/me", { token: key })).body).user).toMatchObject({
    email: ann.email,
  });
  expect((await ask(platform, deviceCode)).status).toBe(404);
});

it("makes one who asks too soon wait as long as it says", async () => {
  await using platform = await openTestPlatform();
  const { deviceCode } = await start(platform);
  await ask(platform, deviceCode);
  const early = await ask(platform, deviceCode);
  expect(early).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  expect(Number(early.headers.get("retry-after"))).toBeLessThanOrEqual(5);
  await move(platform, 5);
  expect((await ask(platform, deviceCode)).body).toMatchObject({ code: "authorization_pending" });
});

it("sends a denied command line away, and serves no code after ten minutes", async () => {
  await using platform = await openTestPlatform();
  const headers = await signInOwner(platform);
  const denied = await start(platform);
  expect((await decide(platform, headers, denied.userCode, "denied")).status).toBe(204);
  expect(await ask(platform, denied.deviceCode)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  const late = await start(platform);
  await move(platform, 600);
  expect((await decide(platform, headers, late.userCode)).status).toBe(404);
  expect((await ask(platform, late.deviceCode)).status).toBe(404);
});

it("case 29: makes who guesses device codes wait, and takes no decision of a token or of another site", async () => {
  await using platform = await openTestPlatform();
  const headers = await signInOwner(platform);
  const { userCode } = await start(platform);
  const { token } = await platform.person("owner");
  const byToken = await platform.call("POST", "/v1/device/decide", { token, body: { userCode, decision: "approved" } });
  expect(byToken.status).toBe(403);
  expect((await decide(platform, { ...headers, origin: "https://evil.example" }, userCode)).status).toBe(403);
  const guesses = await Promise.all(Array.from({ length: 12 }, () => decide(platform, headers, "BBBB-BBBB")));
  expect(guesses.filter(({ status }) => status === 404)).toHaveLength(5);
  const locked = await decide(platform, headers, userCode);
  expect(locked).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(800);
});

it("lists a person's CLI tokens, and revokes one of theirs but nobody else's", async () => {
  await using platform = await openTestPlatform();
  const [mine, other] = [await platform.person("owner"), await platform.person("owner")];
  const list = await platform.call("GET", "/v1/cli-tokens", { token: mine.token });
  const [item] = list.body["items"] as { id: string; name: string }[];
  expect(list.body["items"]).toMatchObject([{ name: "test", prefix: mine.token.slice(0, 12), revokedAt: null }]);
  expect(list.text).not.toContain(mine.token);
  const revoke = (token: string) => platform.call("DELETE", `/v1/cli-tokens/${item?.id}`, { token });
  expect((await revoke(other.token)).status).toBe(404);
  expect((await revoke(mine.token)).status).toBe(204);
  expect((await revoke(mine.token)).status).toBe(401);
});
