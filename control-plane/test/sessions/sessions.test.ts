import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { me } from "@feedback-chat/protocol/project";
import { expect, it } from "vitest";
import { offerOwnerCode } from "../../src/sessions/offer-owner-code.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";

const ann = { email: "ann@example.com", password: "correct horse battery", login: "ann" };
const origin = { origin: "http://localhost" };

async function offer(platform: TestPlatform): Promise<string> {
  const offered = await offerOwnerCode(platform.deps, { dataFolder: undefined });
  return offered?.code ?? "";
}
const setUp = (platform: TestPlatform, body: object) => platform.call("POST", "/api/setup/owner", { body });
const signIn = (platform: TestPlatform, email: string, password: string, headers: Record<string, string> = origin) =>
  platform.call("POST", "/api/auth/sign-in/email", { body: { email, password }, headers });
const cookieOf = ({ headers }: { headers: Headers }) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");

it("makes one owner of one code, though it comes five times at once, and none of a wrong one", async () => {
  await using platform = await openTestPlatform();
  const code = await offer(platform);
  expect((await setUp(platform, { ...ann, code: "guess" })).status).toBe(401);
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_, n) =>
      setUp(platform, { ...ann, email: `ann${n}@example.com`, code, wantsCliToken: true }),
    ),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 401, 401, 401, 401]);
  const won = setupOwnerAnswer.parse(answers.find(({ status }) => status === 201)?.body);
  const who = await platform.call("GET", "/v1/me", { token: won.cliToken ?? "" });
  expect(me.parse(who.body)).toMatchObject({
    user: { login: "ann" },
    workspaces: [{ role: "owner" }],
  });
  expect((await setUp(platform, { ...ann, code })).status).toBe(401);
  expect(await offer(platform)).toBe(""); // no other code while there is an owner
  expect((await platform.call("GET", "/api/setup")).body).toEqual({ needsOwner: false });
});

it("case 29: gives the same answer for a wrong password and an unknown account, and makes a guesser wait", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const wrong = await signIn(platform, ann.email, "not the password");
  const unknown = await signIn(platform, "nobody@example.com", "not the password");
  expect(wrong.status).toBe(401);
  expect(unknown.body).toEqual({ ...wrong.body, requestId: unknown.body["requestId"] });
  for (let n = 0; n < 4; n += 1) await signIn(platform, ann.email, "not the password");
  const locked = await signIn(platform, ann.email, ann.password);
  expect(locked).toMatchObject({ status: 429, body: { code: "rate_limited" } });
  expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(800);
});

it("lets no more than five guesses of one password through, though twenty come at once", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const guess = (n: number) => signIn(platform, ann.email, `not the password ${n}`);
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => guess(n)));
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(15);
  expect((await signIn(platform, ann.email, ann.password)).status).toBe(429);
});

it("forgives wrong passwords once the right one comes, and counts nothing that is no guess", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 4; n += 1) expect((await signIn(platform, ann.email, "not the password")).status).toBe(401);
    // Another site's form would sign its visitor in as somebody of its own.
    for (const headers of [{}, { origin: "https://evil.example" }] as Record<string, string>[])
      expect((await signIn(platform, ann.email, ann.password, headers)).status).toBe(403);
    const incomplete = { body: { email: ann.email }, headers: origin };
    expect((await platform.call("POST", "/api/auth/sign-in/email", incomplete)).status).toBe(400);
    expect((await signIn(platform, ann.email, ann.password)).status).toBe(200);
  }
});

it("case 28: writes with a session only from its own pages, and ends with the sign-out", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const signedIn = await signIn(platform, ann.email, ann.password);
  expect(signedIn.text).toBe('{"ok":true}'); // no token in the body
  const cookie = cookieOf(signedIn);
  expect(signedIn.headers.get("set-cookie")).toMatch(/HttpOnly/i);
  const mint = (headers: Record<string, string>) =>
    platform.call("POST", "/v1/cli-tokens", {
      body: { machine: "laptop" },
      headers: { cookie, ...headers },
    });
  expect((await platform.call("GET", "/v1/me", { headers: { cookie } })).status).toBe(200);
  expect((await mint({})).status).toBe(403);
  expect((await mint({ origin: "https://evil.example" })).status).toBe(403);
  const minted = await mint(origin);
  expect(minted.status).toBe(201);
  const again = await platform.call("POST", "/v1/cli-tokens", {
    token: String(minted.body["key"]),
    body: { machine: "x" },
  });
  expect(again.status).toBe(403); // a token makes no token
  const out = await platform.call("POST", "/api/auth/sign-out", {
    body: {},
    headers: { cookie, ...origin },
  });
  expect(out.status).toBe(200);
  expect((await platform.call("GET", "/v1/me", { headers: { cookie } })).status).toBe(401);
});

it("case 28: gives a new session id at each login, and a session id from before it is worthless after it", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const open = async (cookie: string) => (await platform.call("GET", "/v1/me", { headers: { cookie } })).status;
  const login = async (cookie: string) =>
    cookieOf(await signIn(platform, ann.email, ann.password, { ...origin, cookie }));
  // Planted by somebody else: it is not taken over.
  const planted = "feedback-chat.session_token=planted-by-somebody.AAAA";
  expect(await open(planted)).toBe(401);
  const first = await login(planted);
  expect(first).not.toContain("planted");
  expect([await open(planted), await open(first)]).toEqual([401, 200]);
  // Known to somebody else: it ends with the next login of this browser, and with no other's.
  const elsewhere = await login("");
  const second = await login(first);
  expect(second).not.toBe(first);
  expect([await open(first), await open(second), await open(elsewhere)]).toEqual([401, 200, 200]);
  const failed = await signIn(platform, ann.email, "not the password", { ...origin, cookie: second });
  expect(failed.status).toBe(401);
  expect(await open(second)).toBe(200);
});

it("case 29: takes the same time for a known account, an unknown one and one without a password", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const made = { email: "no-password@example.com", name: "", password: null, isEmailProven: true };
  await platform.deps.sessions.createAccount(made);
  let visitors = 0;
  /** Each from an address of its own: nobody is made to wait. */
  const timed = async (email: string, password: string | undefined, status: number) => {
    const start = performance.now();
    const from = `203.0.113.${++visitors}`;
    const answer = await platform.call("POST", "/api/auth/sign-in/email", {
      body: { email, password },
      headers: origin,
      from,
    });
    expect(answer.status).toBe(status);
    return performance.now() - start;
  };
  const tries = {
    known: () => timed(ann.email, "not the password", 401),
    unknown: () => timed("nobody@example.com", "not the password", 401),
    withoutPassword: () => timed(made.email, "not the password", 401),
    /** What it takes when nothing is compared: if this were not much less, the rest would say nothing. */
    incomplete: () => timed(ann.email, undefined, 400),
  };
  const took = { known: [], unknown: [], withoutPassword: [], incomplete: [] } as Record<keyof typeof tries, number[]>;
  // In turn, and the quickest of each counts: a busy machine only adds. The first round warms up.
  for (let round = 0; round < 12; round += 1)
    for (const name of Object.keys(tries) as (keyof typeof tries)[]) {
      const ms = await tries[name]();
      if (round > 0) took[name].push(ms);
    }
  const least = (name: keyof typeof tries) => Math.min(...took[name]);
  expect(least("incomplete")).toBeLessThan(least("known") * 0.5);
  for (const name of ["unknown", "withoutPassword"] as const) {
    expect(least(name) / least("known"), name).toBeGreaterThan(0.6);
    expect(least(name) / least("known"), name).toBeLessThan(1.6);
  }
});

it("has no sign-up and none of better-auth's other paths", async () => {
  await using platform = await openTestPlatform();
  for (const path of ["sign-up/email", "get-session", "list-sessions", "request-password-reset", "delete-user"])
    for (const method of ["GET", "POST"])
      expect((await platform.call(method, `/api/auth/${path}`, { headers: origin })).status, `${method} ${path}`).toBe(
        404,
      );
});

it("sends the cookie as __Host- under https", async () => {
  await using platform = await openTestPlatform();
  const { openSessions } = await import("../../src/sessions/open-sessions.ts");
  const publicUrl = "https://feedback.example";
  const sessions = openSessions(platform.deps, {
    secret: "of a length that is accepted, for tests",
    publicUrl,
  });
  await sessions.createAccount({ email: "bo@example.com", name: "Bo", password: ann.password, isEmailProven: true });
  const response = await sessions.answer(
    new Request(`${publicUrl}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: publicUrl },
      body: JSON.stringify({ email: "bo@example.com", password: ann.password }),
    }),
  );
  const cookie = response.headers.getSetCookie().find((one) => one.startsWith("__Host-feedback-chat.session_token="));
  expect(cookie).toMatch(/; Path=\//i);
  expect(cookie).toMatch(/; HttpOnly/i);
  expect(cookie).toMatch(/; Secure/i);
  expect(cookie).toMatch(/; SameSite=Lax/i);
  expect(cookie).not.toMatch(/Domain/i);
});

it("changes a password for who knows the old one, says what is wrong with the rest, and makes a guesser wait", async () => {
  await using platform = await openTestPlatform();
  await setUp(platform, { ...ann, code: await offer(platform) });
  const [mine, other] = [await signIn(platform, ann.email, ann.password), await signIn(platform, ann.email, ann.password)].map(cookieOf); // prettier-ignore
  const change = (body: object, cookie = mine ?? "") =>
    platform.call("POST", "/api/auth/change-password", { body, headers: { ...origin, cookie } });
  const newPassword = "another horse battery";
  const short = await change({ currentPassword: ann.password, newPassword: "short" });
  expect(short).toMatchObject({ status: 422, body: { errors: [{ path: "newPassword", message: "needs at least 10 characters" }] } }); // prettier-ignore
  expect((await change({ currentPassword: ann.password, newPassword }, "")).status).toBe(401);
  const done = await change({ currentPassword: ann.password, newPassword, revokeOtherSessions: true });
  expect(done.status).toBe(200);
  expect((await platform.call("GET", "/v1/me", { headers: { cookie: other ?? "" } })).status).toBe(401);
  expect((await signIn(platform, ann.email, ann.password)).status).toBe(401);
  expect((await signIn(platform, ann.email, newPassword)).status).toBe(200);

  const now = cookieOf(done);
  for (let n = 0; n < 5; n += 1) {
    const wrong = await change({ currentPassword: `a guess ${n}`, newPassword }, now);
    expect(wrong).toMatchObject({ status: 403, body: { detail: "The current password is wrong." } });
  }
  expect(await change({ currentPassword: newPassword, newPassword: ann.password }, now)).toMatchObject({ status: 429 });
  expect((await signIn(platform, ann.email, newPassword)).status).toBe(200);
});
