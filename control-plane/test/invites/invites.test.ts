import { idOf } from "@feedback-chat/protocol/ids";
import { createInviteAnswer } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { deliverMails } from "../../src/mail/deliver-mails.ts";
import { openMailer } from "../../src/mail/open-mailer.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { type MailServer, secretIn, startMailServer } from "../support/start-mail-server.ts";

type Person = Awaited<ReturnType<TestPlatform["person"]>>;

async function openScene(server: MailServer) {
  const platform = await openTestPlatform({ env: server.env });
  const [admin, guest] = [await platform.person("admin"), await platform.person("owner")];
  const path = `/v1/workspaces/${idOf("ws", admin.workspaceId)}/invites`;
  const { user } = (await platform.call("GET", "/v1/me", { token: guest.token })).body as { user: { email: string } };
  return {
    platform, admin, guest, path, email: user.email,
    invite: (body: object = {}, token = admin.token) =>
      platform.call("POST", path, { token, body: { email: user.email, role: "member", ...body } }),
    accept: (token: string, by: Person = guest) =>
      platform.call("POST", "/v1/invites/accept", { token: by.token, body: { token } }),
    async newestSecret() {
      const mailer = openMailer(platform.deps.config);
      while ((await deliverMails({ ...platform.deps, mailer })) > 0);
      mailer?.close();
      return secretIn(server.mails.at(-1)!);
    },
  }; // prettier-ignore
}

it("makes the invited person a member, once, though they accept twice at once", async () => {
  await using server = await startMailServer();
  const { platform, admin, guest, path, email, invite, accept, newestSecret } = await openScene(server);
  await using _closing = platform;
  const made = await invite();
  expect(made.status).toBe(201);
  expect(createInviteAnswer.parse(made.body)).toMatchObject({ invite: { email, role: "member" }, linkWentTo: "mail" });
  const secret = await newestSecret();
  expect(made.text).not.toContain(secret);
  expect(server.mails[0]).toMatchObject({ to: [email], text: expect.stringContaining("/invite#token=") });
  const answers = await Promise.all([accept(secret), accept(secret)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
  const workspace = `/v1/workspaces/${idOf("ws", admin.workspaceId)}`;
  expect((await platform.call("GET", workspace, { token: guest.token })).body).toMatchObject({ role: "member" });
  expect((await platform.call("GET", path, { token: admin.token })).body).toEqual({ items: [], nextCursor: null });
  expect(await invite()).toMatchObject({ status: 409, body: { code: "name_taken" } });
});

it("serves nobody with another e-mail, and nobody after seven days or once it was taken back", async () => {
  await using server = await startMailServer();
  const { platform, admin, path, invite, accept, newestSecret } = await openScene(server);
  await using _closing = platform;
  await invite();
  const secret = await newestSecret();
  expect(await accept(secret, await platform.person("owner"))).toMatchObject({
    status: 403,
    body: { code: "forbidden" },
  });
  const move = (days: number) =>
    asSystem(platform.deps.db, (tx) =>
      sql`update fc.invites set expires_at = expires_at - make_interval(days => ${days})`.execute(tx),
    );
  await move(7);
  expect((await accept(secret)).status).toBe(404);
  await move(-7);
  const [item] = (await platform.call("GET", path, { token: admin.token })).body["items"] as { id: string }[];
  expect((await platform.call("DELETE", `${path}/${item?.id}`, { token: admin.token })).status).toBe(204);
  expect((await platform.call("DELETE", `${path}/${item?.id}`, { token: admin.token })).status).toBe(404);
  expect((await accept(secret)).status).toBe(404);
});

it("gives the same e-mail a new link, and the old one is dead", async () => {
  await using server = await startMailServer();
  const { platform, invite, accept, newestSecret } = await openScene(server);
  await using _closing = platform;
  await invite();
  const first = await newestSecret();
  await Promise.all([invite({ role: "viewer" }), invite({ role: "viewer" })]);
  const second = await newestSecret();
  expect((await accept(first)).status).toBe(404);
  const answers = [await accept(second), await accept(secretIn(server.mails.at(-2)!))];
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404]);
});

it("gives no role above the inviter's, changes nobody's role, and keeps nothing that opens it", async () => {
  await using server = await startMailServer();
  const { platform, admin, guest, invite, accept, newestSecret } = await openScene(server);
  await using _closing = platform;
  expect((await invite({ role: "owner" })).status).toBe(403);
  const member = await platform.person("member", admin.workspaceId);
  expect((await invite({}, member.token)).status).toBe(403);
  await invite({ role: "viewer" });
  const secret = await newestSecret();
  await asSystem(platform.deps.db, (tx) =>
    sql`insert into fc.workspace_members (workspace_id, user_id, role) values (${admin.workspaceId}, ${guest.userId}, 'admin')`.execute(
      tx,
    ),
  );
  expect((await accept(secret)).body).toMatchObject({ role: "admin" });
  const { rows } = await asSystem(platform.deps.db, (tx) =>
    sql<{
      row: string;
    }>`select row_to_json(i)::text as row from fc.invites i union all select row_to_json(m)::text from fc.mails m`.execute(
      tx,
    ),
  );
  expect(rows.length).toBe(2);
  for (const { row } of rows) expect(row).not.toContain(secret);
});
