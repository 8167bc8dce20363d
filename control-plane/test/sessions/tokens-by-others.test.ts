import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { deliverMails } from "../../src/mail/deliver-mails.ts";
import { openMailer } from "../../src/mail/open-mailer.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { cookieOf, origin } from "../support/sign-in.ts";
import { type MailServer, secretIn, startMailServer } from "../support/start-mail-server.ts";

const password = "known to who made it";

/** An admin who makes accounts for others' addresses, and a mailbox that sees what is sent to them. */
async function openScene(env: Record<string, string> = {}) {
  const server = await startMailServer();
  const platform = await openTestPlatform({ env: { ...server.env, ...env } });
  const admin = await platform.person("admin");
  const path = `/v1/workspaces/${idOf("ws", admin.workspaceId)}/members`;
  const make = (email: string) =>
    platform.call("POST", path, {
      token: admin.token,
      body: { email, password, login: email.split("@")[0], role: "member", wantsCliToken: true, machine: "planted" },
    });
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    platform.call("POST", path, { body, headers: { ...origin, ...headers } });
  const works = async (token: string) => (await platform.call("GET", "/v1/me", { token })).status === 200;
  return { server, platform, admin, make, post, works, async [Symbol.asyncDispose]() {
    await platform[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  } }; // prettier-ignore
}

async function newestSecret(platform: TestPlatform, { mails }: MailServer): Promise<string> {
  const mailer = openMailer(platform.deps.config);
  while ((await deliverMails({ ...platform.deps, mailer })) > 0);
  mailer?.close();
  return secretIn(mails.at(-1)!);
}

const revokedTokens = ({ deps }: TestPlatform) =>
  asSystem(deps.db, async (tx) => {
    const { rows } = await sql<{ actor: { login: string } }>`
      select actor from fc.audit_logs where action = 'user_key.revoked' order by id`.execute(tx);
    return rows.map(({ actor }) => actor.login);
  });

it("ends a token that somebody else made for an address as soon as a mailed link proves it, and no other", async () => {
  await using scene = await openScene();
  const { platform, server, post, works } = scene;
  const planted = String((await scene.make("bo@example.com")).body["cliToken"]);
  expect(await works(planted)).toBe(true);
  await post("/api/auth/sign-in/magic-link", { email: "bo@example.com" });
  const opened = await post("/api/auth/magic-link/verify", { token: await newestSecret(platform, server) });
  expect(opened.status).toBe(200);
  expect(await works(planted)).toBe(false);
  expect(await revokedTokens(platform)).toEqual(["bo"]);
  const own = await post("/v1/cli-tokens", { machine: "laptop" }, { cookie: cookieOf(opened) });
  await post("/api/auth/sign-in/magic-link", { email: "bo@example.com" });
  await post("/api/auth/magic-link/verify", { token: await newestSecret(platform, server) });
  expect(await works(String(own.body["key"]))).toBe(true);
  expect(await works(scene.admin.token)).toBe(true);
  expect(await revokedTokens(platform)).toEqual(["bo"]);
});

it("ends it when the address is confirmed after a sign-in by password", async () => {
  await using scene = await openScene();
  const { platform, server, post, works } = scene;
  const planted = String((await scene.make("cy@example.com")).body["cliToken"]);
  await post("/api/auth/sign-in/email", { email: "cy@example.com", password });
  expect(await works(planted)).toBe(true);
  const verified = await post("/api/auth/verify-email", { token: await newestSecret(platform, server) });
  expect(verified.status).toBe(200);
  expect(await works(planted)).toBe(false);
});

it("ends it when an invite is accepted: it would act in the new workspace too", async () => {
  await using scene = await openScene();
  const { platform, server, works } = scene;
  const planted = String((await scene.make("di@example.com")).body["cliToken"]);
  const other = await platform.person("owner");
  const invited = await platform.call("POST", `/v1/workspaces/${idOf("ws", other.workspaceId)}/invites`, {
    token: other.token,
    body: { email: "di@example.com", role: "admin" },
  });
  expect(invited.status).toBe(201);
  const secret = await newestSecret(platform, server);
  const accepted = await platform.call("POST", "/v1/invites/accept", { token: planted, body: { token: secret } });
  expect(accepted.status).toBe(200);
  expect(await works(planted)).toBe(false);
  expect(await works(other.token)).toBe(true);
});

it("makes no account for others on a hosted instance, and tells of none", async () => {
  await using scene = await openScene({ MODE: "hosted" });
  const { user } = (await scene.platform.call("GET", "/v1/me", { token: scene.admin.token })).body as {
    user: { email: string };
  };
  for (const email of ["new@example.com", user.email])
    expect(await scene.make(email)).toMatchObject({ status: 404, body: { next: expect.stringContaining("Invite") } });
  const { rows } = await sql`select from auth."user" where email = 'new@example.com'`.execute(scene.platform.deps.db);
  expect(rows).toEqual([]);
});
