import { me } from "@feedback-chat/protocol/project";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { deliverMails } from "../../src/mail/deliver-mails.ts";
import { openMailer } from "../../src/mail/open-mailer.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { ann, cookieOf, dumpOf, origin, signInOwner } from "../support/sign-in.ts";
import { type MailServer, secretIn, startMailServer } from "../support/start-mail-server.ts";

const ask = (platform: TestPlatform, email: string, headers: Record<string, string> = origin) =>
  platform.call("POST", "/api/auth/sign-in/magic-link", { body: { email }, headers });
const open = (platform: TestPlatform, token: string, headers: Record<string, string> = origin) =>
  platform.call("POST", "/api/auth/magic-link/verify", { body: { token }, headers });
const whoIs = async (platform: TestPlatform, headers: Record<string, string>) =>
  me.parse((await platform.call("GET", "/v1/me", { headers })).body);

async function deliver(platform: TestPlatform): Promise<void> {
  const mailer = openMailer(platform.deps.config);
  while ((await deliverMails({ ...platform.deps, mailer })) > 0);
  mailer?.close();
}
async function newestSecret(platform: TestPlatform, { mails }: MailServer): Promise<string> {
  await deliver(platform);
  return secretIn(mails.at(-1)!);
}

it("signs in by a mailed link, once, and keeps nothing that opens it", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await signInOwner(platform);
  expect((await ask(platform, ann.email.toUpperCase())).body).toEqual({ ok: true, linkWentTo: "mail" });
  const secret = await newestSecret(platform, server);
  expect(server.mails).toMatchObject([{ to: [ann.email], text: expect.stringContaining("/login#link=") }]);
  expect(await dumpOf(platform)).not.toContain(secret);
  const answers = await Promise.all([open(platform, secret), open(platform, secret)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 401]);
  const opened = answers.find(({ status }) => status === 200)!;
  expect(opened.text).toBe('{"ok":true}'); // no session token in the body
  expect((await whoIs(platform, { cookie: cookieOf(opened) })).user.email).toBe(ann.email);
});

it("case 28: ends the session that this browser had, when a mailed link opens another", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  const before = await signInOwner(platform);
  await ask(platform, ann.email, before);
  const opened = await open(platform, await newestSecret(platform, server), before);
  const status = async (cookie: string) => (await platform.call("GET", "/v1/me", { headers: { cookie } })).status;
  expect([await status(before["cookie"] ?? ""), await status(cookieOf(opened))]).toEqual([401, 200]);
});

it("gives a known and an unknown address the same answer, and mails the known one alone", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await signInOwner(platform);
  const [known, unknown] = [await ask(platform, ann.email), await ask(platform, "nobody@example.com")];
  expect({ status: unknown.status, text: unknown.text }).toEqual({ status: known.status, text: known.text });
  await deliver(platform);
  expect(server.mails.flatMap(({ to }) => to)).toEqual([ann.email]);
});

it("takes no link after ten minutes, and none of another site's page", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await signInOwner(platform);
  await ask(platform, ann.email);
  const secret = await newestSecret(platform, server);
  expect((await open(platform, secret, { origin: "https://evil.example" })).status).toBe(403);
  expect((await open(platform, secret, {})).status).toBe(403);
  await sql`update auth.verification set "expiresAt" = "expiresAt" - interval '10 minutes'`.execute(platform.deps.db);
  expect((await open(platform, secret)).status).toBe(401);
});

it("fills nobody's mailbox", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await signInOwner(platform);
  const statuses = [];
  for (let n = 0; n < 7; n += 1) statuses.push((await ask(platform, ann.email)).status);
  expect(statuses).toContain(429); // of one address
  await deliver(platform);
  expect(server.mails).toHaveLength(3); // of one mailbox, whoever asks
});

it("lets an invited person in who has no account, into the workspace that they accept and no other", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  const { token, workspaceId } = await platform.person("admin");
  const guest = "bo@example.com";
  const path = `/v1/workspaces/${idOf("ws", workspaceId)}/invites`;
  await platform.call("POST", path, { token, body: { email: guest, role: "member" } });
  const invite = await newestSecret(platform, server);
  await ask(platform, guest);
  const opened = await open(platform, await newestSecret(platform, server));
  const headers = { ...origin, cookie: cookieOf(opened) };
  expect(await whoIs(platform, headers)).toMatchObject({ user: { email: guest, login: "bo" }, workspaces: [] });
  const accepted = await platform.call("POST", "/v1/invites/accept", { body: { token: invite }, headers });
  expect(accepted.status).toBe(200);
  expect((await whoIs(platform, headers)).workspaces).toMatchObject([{ role: "member" }]);
});

it("gives a new person of a hosted instance a workspace of their own, once", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: { ...server.env, MODE: "hosted" } });
  for (let n = 0; n < 2; n += 1) {
    await ask(platform, "new@example.com");
    const opened = await open(platform, await newestSecret(platform, server));
    const { workspaces } = await whoIs(platform, { cookie: cookieOf(opened) });
    expect(workspaces).toMatchObject([{ role: "owner" }]);
  }
});

it("asks for a proven address before its password opens anything, where mail works", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  const { token, workspaceId } = await platform.person("admin");
  const bo = { email: "bo@example.com", password: "correct horse battery" };
  await platform.call("POST", `/v1/workspaces/${idOf("ws", workspaceId)}/members`, {
    token, body: { ...bo, login: "bo", role: "member" },
  }); // prettier-ignore
  const signIn = () => platform.call("POST", "/api/auth/sign-in/email", { body: bo, headers: origin });
  expect(await signIn()).toMatchObject({ status: 403, body: { detail: expect.stringContaining("not confirmed") } });
  const secret = await newestSecret(platform, server);
  const verify = (proof: string) =>
    platform.call("POST", "/api/auth/verify-email", { body: { token: proof }, headers: origin });
  expect((await verify("x.y.z")).status).toBe(401);
  expect((await verify(secret)).status).toBe(200);
  expect((await signIn()).status).toBe(200);
});

it("says where links go, and writes them to the operator's log where no mail is sent", async () => {
  await using platform = await openTestPlatform();
  await signInOwner(platform);
  expect((await platform.call("GET", "/api/auth/ways")).body).toEqual({ hasGithub: false, linkWentTo: "operator_log" });
  expect((await ask(platform, ann.email)).body).toEqual({ ok: true, linkWentTo: "operator_log" });
  const { rows } = await asSystem(platform.deps.db, (tx) =>
    sql<{ kind: string }>`select kind from fc.mails where done_at is null`.execute(tx),
  );
  expect(rows).toEqual([{ kind: "magic_link" }]);
});
