import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { deliverMails } from "../../src/mail/deliver-mails.ts";
import { openMailer } from "../../src/mail/open-mailer.ts";
import { remindPeople } from "../../src/notices/remind-people.ts";
import { tellOfAbsence } from "../../src/notices/tell-of-absence.ts";
import { deliverEffects } from "../../src/outbox/deliver-effects.ts";
import { queueEffects } from "../../src/outbox/queue-effects.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { jsonLog } from "../../src/platform/log.ts";
import { runIn } from "../support/run-standing.ts";
import { seedUser, seedWorkspace } from "../support/seed.ts";
import { type MailServer, startMailServer } from "../support/start-mail-server.ts";
import { openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

const day = 24 * 3600;

/** The scene's project with an admin and a member more, a viewer, and somebody of another workspace. */
async function openScene(server: Pick<MailServer, "env"> | null) {
  const scene = await openWebhookScene({});
  const { db, workspaceId } = scene;
  for (const role of ["admin", "member", "viewer"] as const) await seedUser(db, { login: role, workspaceId, role });
  await seedUser(db, { login: "foreigner", workspaceId: await seedWorkspace(db), role: "owner" });
  const { rows } = await asSystem(db, (tx) =>
    sql<{ email: string }>`select u.email from fc.users u join fc.workspace_members m on m.user_id = u.id
      where m.workspace_id = ${workspaceId} and m.role <> 'viewer' order by 1`.execute(tx),
  );
  const smtp = { smtpUrl: server?.env["SMTP_URL"], mailFrom: server?.env["MAIL_FROM"] };
  const config = { ...scene.deps.config, ...smtp, publicUrl: "https://feedback.example" };
  return { scene, deps: { ...scene.deps, config }, emails: rows.map(({ email }) => email) };
}
type Deps = Awaited<ReturnType<typeof openScene>>["deps"];

async function deliverAll(deps: Deps): Promise<void> {
  while ((await deliverEffects(deps)) > 0);
  const mailer = openMailer(deps.config);
  while ((await deliverMails({ ...deps, mailer })) > 0);
  mailer?.close();
}

const moveStanding = ({ db, projectId }: WebhookScene, runId: string, secondsAgo: number) =>
  asProject(db, projectId, (tx) =>
    sql`with due as (
      update fc.job_queue set run_at = now() - make_interval(secs => ${secondsAgo}) where run_id = ${runId} and run_at < 'infinity'
    ) update fc.pipeline_runs set standing_since = now() - make_interval(secs => ${secondsAgo}) where id = ${runId}`.execute(
      tx,
    ),
  );
const recipientsOf = ({ mails }: MailServer) => mails.flatMap(({ to }) => to).toSorted();

it("tells everybody who may act on it of a held run at once, and of the same standing never twice", async () => {
  await using server = await startMailServer();
  const { scene, deps, emails } = await openScene(server);
  await using _closing = scene;
  const { runId } = await runIn(scene, "held");
  await deliverAll(deps);
  expect(emails.length).toBeGreaterThanOrEqual(2);
  expect(recipientsOf(server)).toEqual(emails);
  const [mail] = server.mails;
  expect(mail?.subject).toMatch(/^Waits for your approval: .* #\d+$/);
  for (const words of ["The words came from the public.", "It ends by itself at", `/runs/${idOf("run", runId)}`])
    expect(mail?.text).toContain(words);
  const again = { kind: "notice_held", reason: "The words came from the public." } as const;
  await asProject(deps.db, scene.projectId, (tx) => queueEffects(tx, { projectId: scene.projectId, runId }, [again]));
  await deliverAll(deps);
  expect(server.mails).toHaveLength(emails.length);
});

it("mentions whom the project names once per standing, in public without a reason or a link", async () => {
  const { scene, deps } = await openScene(null);
  await using _closing = scene;
  const { db, projectId } = scene;
  const set = (change: object, isPrivate: boolean) =>
    asSystem(db, (tx) =>
      sql`update fc.projects set settings = settings || ${JSON.stringify(change)}::jsonb, is_private = ${isPrivate}
        where id = ${projectId}`.execute(tx),
    );
  const mentions = async () => {
    const { rows } = await asSystem(db, (tx) =>
      sql<{ body: string; marker: string }>`
        select payload ->> 'body' as body, payload ->> 'marker' as marker from fc.outbox
        where kind = 'issue_comment' and payload ->> 'marker' like 'notice %' order by created_at, id`.execute(tx),
    );
    return rows;
  };
  const first = await runIn(scene, "held");
  await deliverAll(deps);
  expect(await mentions()).toEqual([]);

  // The same standing is told of by two servers at once, and again when its time is nearly over: a mention for each kind.
  await set({ mention: "@acme/maintainers" }, false);
  const again = { kind: "notice_held", reason: "`SECRET_PRICE` in @src/margin.ts" } as const;
  const of = { projectId, runId: first.runId };
  await asProject(db, projectId, (tx) => queueEffects(tx, of, [again, again]));
  await Promise.all([deliverAll(deps), deliverAll(deps)]);
  expect(await mentions()).toMatchObject([
    { body: "@acme/maintainers A person of this project is waited for here: please look at the dashboard." },
  ]);
  await moveStanding(scene, first.runId, 13.1 * day);
  await Promise.all([remindPeople(deps), remindPeople(deps)]);
  expect(await mentions()).toHaveLength(2);

  await set({}, true);
  await scene.act(first.runId, { action: "reject" });
  const { runId } = await runIn(scene, "held");
  await deliverAll(deps);
  const last = (await mentions()).at(-1);
  expect(last?.body).toMatch(/^@acme\/maintainers A change is ready and is held/);
  expect(last?.body).toContain(
    `https://feedback.example/projects/${idOf("prj", projectId)}/runs/${idOf("run", runId)}`,
  );
  expect(last?.body).not.toContain("Reason");
});

it("tells of a run that asks, and says nothing of one that went on before its notice was sent", async () => {
  await using server = await startMailServer();
  const { scene, deps, emails } = await openScene(server);
  await using _closing = scene;
  const { runId } = await runIn(scene, "asking the reporter");
  await scene.act(runId, { action: "reject" });
  await deliverAll(deps);
  expect(server.mails).toEqual([]);
  const next = await runIn(scene, "asking the reporter");
  await deliverAll(deps);
  expect(recipientsOf(server)).toEqual(emails);
  expect(server.mails[0]?.subject).toContain(`#${next.issueNumber}`);
});

it("reminds once in the last day of a held run, though two replicas look at once, and anew in its next standing", async () => {
  await using server = await startMailServer();
  const { scene, deps, emails } = await openScene(server);
  await using _closing = scene;
  const { runId } = await runIn(scene, "held");
  await deliverAll(deps);
  await moveStanding(scene, runId, 12.9 * day);
  expect(await remindPeople(deps)).toBe(0);
  await moveStanding(scene, runId, 13.1 * day);
  await Promise.all([remindPeople(deps), remindPeople(deps)]);
  expect(await remindPeople(deps)).toBe(0);
  await deliverAll(deps);
  expect(server.mails).toHaveLength(2 * emails.length);
  expect(server.mails.at(-1)?.subject).toContain("Soon over");
  await moveStanding(scene, runId, 13.2 * day);
  expect(await remindPeople(deps)).toBe(1);
});

it("tells once of a project's oldest run that waits while no worker is there, and of none behind a worker at work or a pause", async () => {
  await using server = await startMailServer();
  const { scene, deps, emails } = await openScene(server);
  await using _closing = scene;
  const absence = deps.config.figures.absenceSeconds;
  const oldest = await runIn(scene, "queued");
  await moveStanding(scene, oldest.runId, absence + 1);
  await moveStanding(scene, (await runIn(scene, "queued")).runId, absence);
  expect(await tellOfAbsence(deps), "a worker was heard just now").toBe(0);
  await asSystem(deps.db, (tx) =>
    sql`update fc.workers set last_seen_at = now() - make_interval(secs => ${absence + 1})`.execute(tx),
  );
  const pause = (isPaused: boolean) =>
    asProject(deps.db, scene.projectId, (tx) =>
      sql`update fc.projects set is_paused = ${isPaused} where id = ${scene.projectId}`.execute(tx),
    );
  await pause(true);
  expect(await tellOfAbsence(deps), "the project is paused").toBe(0);
  await pause(false);
  await Promise.all([tellOfAbsence(deps), tellOfAbsence(deps)]);
  expect(await tellOfAbsence(deps), "it was told already").toBe(0);
  await deliverAll(deps);
  expect(recipientsOf(server)).toEqual(emails);
  expect(server.mails[0]?.subject).toMatch(new RegExp(`^Waits for you: shop.* #${oldest.issueNumber}$`));
  expect(server.mails[0]?.text).toContain("feedback-chat worker");
});

it("writes one line for the operator instead where no mail server is named", async () => {
  const { scene, deps } = await openScene(null);
  await using _closing = scene;
  const lines: string[] = [];
  const log = jsonLog(
    (line) => lines.push(line),
    () => new Date(),
  );
  const { runId } = await runIn(scene, "held");
  await deliverAll({ ...deps, log });
  const unsent = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => event === "mail.unsent");
  expect(unsent).toMatchObject([{ kind: "notice_held", text: expect.stringContaining(idOf("run", runId)) }]);
});
