import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { deliverMails } from "../../src/mail/deliver-mails.ts";
import { openMailer } from "../../src/mail/open-mailer.ts";
import { queueLinkMail } from "../../src/mail/queue-mail.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { jsonLog } from "../../src/platform/log.ts";
import { openSealing } from "../../src/platform/open-sealing.ts";
import { rewrapSecrets } from "../../src/vault/rewrap-secrets.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { type MailServer, secretIn, startMailServer } from "../support/start-mail-server.ts";

const letter = {
  kind: "invite" as const, to: "bo@example.com", subject: "Come in", body: "Follow {link}\n",
  link: "https://feedback.example/invite#token=s3cret-of-bo", lifeSeconds: 600, isWanted: true,
}; // prettier-ignore

const queue = (platform: TestPlatform, change: Partial<typeof letter> = {}) =>
  asSystem(platform.deps.db, (tx) => queueLinkMail(tx, platform.deps, { ...letter, ...change }));

async function deliver(platform: TestPlatform, { env }: Pick<MailServer, "env">): Promise<number> {
  const mailer = openMailer({ smtpUrl: env["SMTP_URL"], mailFrom: env["MAIL_FROM"] });
  const taken = await deliverMails({ ...platform.deps, mailer });
  mailer?.close();
  return taken;
}

async function stored({ deps }: TestPlatform) {
  const { rows } = await asSystem(deps.db, (tx) =>
    sql<{ is_done: boolean; attempts: number; last_error: string | null; row: string; in_seconds: number }>`
      select done_at is not null as is_done, attempts, last_error, row_to_json(m)::text as row,
        extract(epoch from run_at - now())::float8 as in_seconds from fc.mails m order by id`.execute(tx),
  );
  return rows;
}

const makeDue = ({ deps }: TestPlatform) =>
  asSystem(deps.db, (tx) => sql`update fc.mails set run_at = now()`.execute(tx));

it("sends a mail once to a server that asks for a login, and keeps no link of it", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await queue(platform);
  expect((await stored(platform))[0]?.row).not.toContain("s3cret");
  const [a, b] = await Promise.all([deliver(platform, server), deliver(platform, server)]);
  expect(a + b).toBe(1);
  expect(server.mails).toMatchObject([{ to: ["bo@example.com"], from: "bot@example.com", subject: "Come in" }]);
  expect(secretIn(server.mails[0]!)).toBe("s3cret-of-bo");
  expect(await stored(platform)).toMatchObject([{ is_done: true, row: expect.stringContaining('"sealed_link":null') }]);
  expect(await deliver(platform, server)).toBe(0);
});

it("tries again later what the server does not take now, and gives up what it refuses", async () => {
  await using server = await startMailServer();
  await using platform = await openTestPlatform({ env: server.env });
  await queue(platform);
  server.refuse(451);
  await deliver(platform, server);
  const [waiting] = await stored(platform);
  expect(waiting).toMatchObject({ is_done: false, attempts: 1 });
  expect(waiting?.in_seconds).toBeGreaterThan(5);
  server.refuse(null);
  await makeDue(platform);
  await deliver(platform, server);
  expect(server.mails).toHaveLength(1);
  await queue(platform, { to: "gone@example.com" });
  server.refuse(550);
  await deliver(platform, server);
  expect((await stored(platform))[1]).toMatchObject({ is_done: true, last_error: expect.stringContaining("not now") });
});

it("keeps a mail while no server answers, and drops one whose link is over by then", async () => {
  await using platform = await openTestPlatform();
  const away = { env: { SMTP_URL: "smtp://127.0.0.1:9", MAIL_FROM: "bot@example.com" } };
  await queue(platform);
  await deliver(platform, away);
  expect(await stored(platform)).toMatchObject([{ is_done: false, attempts: 1 }]);
  await asSystem(platform.deps.db, (tx) => sql`update fc.mails set run_at = now(), expires_at = now()`.execute(tx));
  await deliver(platform, away);
  expect(await stored(platform)).toMatchObject([{ is_done: true, last_error: expect.stringContaining("over") }]);
});

it("writes the link to the operator's log where no mail server is named, and sends nothing that is not wanted", async () => {
  await using platform = await openTestPlatform();
  const lines: string[] = [];
  const log = jsonLog(
    (line) => lines.push(line),
    () => new Date(),
  );
  await queue(platform);
  await queue(platform, { to: "unknown@example.com", isWanted: false });
  await deliverMails({ ...platform.deps, log, mailer: null });
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { event: "mail.unsent", to: "bo@example.com", link: letter.link },
  ]);
});

it("sends a mail that waited while the master key was changed", async () => {
  await using server = await startMailServer();
  const [before, after] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
  await using platform = await openTestPlatform({ env: { ...server.env, MASTER_KEY: before } });
  const { db, log } = platform.deps;
  await queue(platform);
  const both = await openSealing({ db }, { masterKey: after, previousMasterKey: before, dataFolder: undefined });
  await rewrapSecrets({ db, log, sealing: both.sealing }, new AbortController().signal);
  const { sealing } = await openSealing({ db }, { masterKey: after, dataFolder: undefined });
  const mailer = openMailer({ smtpUrl: server.env["SMTP_URL"], mailFrom: server.env["MAIL_FROM"] });
  await deliverMails({ db, log, sealing, mailer });
  mailer?.close();
  expect(secretIn(server.mails[0]!)).toBe("s3cret-of-bo");
});
