import { idOf } from "@feedback-chat/protocol/ids";
import { me } from "@feedback-chat/protocol/project";
import { expect, it } from "vitest";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { ann, cookieOf, dumpOf, origin, signInOwner } from "../support/sign-in.ts";
import { type GithubSignIn, startGithubSignIn } from "../support/start-github-sign-in.ts";

const annAtGithub = { id: 4_711, login: "ann-gh", email: ann.email, isVerified: true };

/** To GitHub and back, in one browser. */
async function signIn(platform: TestPlatform, github: GithubSignIn, person: typeof annAtGithub) {
  const begun = await platform.call("POST", "/api/auth/sign-in/github", { body: {}, headers: origin });
  const { pathname, search } = github.approve(String(begun.body["url"]), person);
  const cookie = cookieOf(begun);
  const back = await platform.call("GET", `${pathname}${search}`, { headers: { cookie } });
  return { back, path: `${pathname}${search}`, cookie };
}
const locationOf = ({ headers }: { headers: Headers }) => headers.get("location") ?? "";
const sessionOf = (platform: TestPlatform, cookie: string) => platform.call("GET", "/v1/me", { headers: { cookie } });

it("signs in who has an account with the address that GitHub has verified, and keeps no token of theirs", async () => {
  await using github = await startGithubSignIn();
  await using platform = await openTestPlatform({ env: github.env });
  await signInOwner(platform);
  expect((await platform.call("GET", "/api/auth/ways")).body).toMatchObject({ hasGithub: true });
  for (let n = 0; n < 2; n += 1) {
    const { back } = await signIn(platform, github, annAtGithub);
    expect(back.status).toBe(302);
    expect(locationOf(back)).toBe("http://localhost/");
    expect(me.parse((await sessionOf(platform, cookieOf(back))).body).user).toMatchObject({ email: ann.email });
  }
  expect(github.tokens).toHaveLength(2);
  const dump = await dumpOf(platform);
  expect(dump).toContain('"providerId":"github"');
  for (const token of github.tokens) expect(dump).not.toContain(token);
});

it("refuses another browser's state, a code twice, and an answer without a state", async () => {
  await using github = await startGithubSignIn();
  await using platform = await openTestPlatform({ env: github.env });
  await signInOwner(platform);
  const begun = await platform.call("POST", "/api/auth/sign-in/github", { body: {}, headers: origin });
  const { pathname, search } = github.approve(String(begun.body["url"]), annAtGithub);
  for (const path of [`${pathname}${search}`, `${pathname}?code=x`]) {
    const elsewhere = await platform.call("GET", path);
    expect(locationOf(elsewhere)).toContain("/login?error=");
    expect(cookieOf(elsewhere)).not.toContain("session_token");
  }
  const { back, path, cookie } = await signIn(platform, github, annAtGithub);
  expect(locationOf(back)).toBe("http://localhost/");
  expect(locationOf(await platform.call("GET", path, { headers: { cookie } }))).toContain("/login?error=");
});

it.each(kinds)(
  "makes no account for a stranger or an unverified address, but for an invited one, on %s",
  async (kind) => {
    await using github = await startGithubSignIn();
    await using platform = await openTestPlatform({ kind, env: github.env });
    await signInOwner(platform);
    const bo = { id: 1, login: "bo-gh", email: "bo@example.com", isVerified: true };
    for (const person of [bo, { ...annAtGithub, isVerified: false }]) {
      const { back } = await signIn(platform, github, person);
      expect(locationOf(back)).toContain("/login?error=");
      expect(cookieOf(back)).not.toContain("session_token");
    }
    const { token, workspaceId } = await platform.person("admin");
    const path = `/v1/workspaces/${idOf("ws", workspaceId)}/invites`;
    await platform.call("POST", path, { token, body: { email: bo.email, role: "member" } });
    const { back } = await signIn(platform, github, bo);
    expect(me.parse((await sessionOf(platform, cookieOf(back))).body).user).toMatchObject({
      email: bo.email,
      login: "bo",
    });
  },
);

it("does not open an account whose address nobody has proven", async () => {
  await using github = await startGithubSignIn();
  await using platform = await openTestPlatform({ env: github.env });
  const { token, workspaceId } = await platform.person("admin");
  const path = `/v1/workspaces/${idOf("ws", workspaceId)}/members`;
  const wanted = { email: ann.email, password: "known to who made it", login: "ann", role: "member" };
  await platform.call("POST", path, { token, body: wanted });
  expect(locationOf((await signIn(platform, github, annAtGithub)).back)).toContain("/login?error=");
});

it("has no sign-in with GitHub where none is configured, and begins none for another site", async () => {
  await using github = await startGithubSignIn();
  await using plain = await openTestPlatform();
  expect((await plain.call("POST", "/api/auth/sign-in/github", { body: {}, headers: origin })).status).toBe(404);
  await using platform = await openTestPlatform({ env: github.env });
  const evil = { origin: "https://evil.example" };
  expect((await platform.call("POST", "/api/auth/sign-in/github", { body: {}, headers: evil })).status).toBe(403);
});
