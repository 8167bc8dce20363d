import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import { v7 as uuidv7 } from "uuid";
import type { AppDeps } from "../app-deps.ts";
import { reportSays } from "../core/report-text.ts";
import { linkOf } from "../mail/queue-mail.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { packSealed } from "../platform/pack-sealed.ts";
import { mintReporterToken, reporterLink } from "./reporter-token.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type About = { projectId: string; runId: string | null; stage: Stage; isQuestion: boolean };

const lifeDays = 7;

/** Queues one mail to each reporter of the run's issue who left an address, where there is one; in the move's transaction. */
export async function queueReporterNotice(tx: Tx, { stage, isQuestion, ...of }: About): Promise<void> {
  await sql`with nothing as (select) ${noticeQueries(of, stage, isQuestion)}
    select pg_notify('fc_outbox', '') where exists (select from notices)`.execute(tx);
}

/** The same as a `with` query named `notices`, for a statement that does more; it signals nothing. Of no stage nothing is told. */
export function noticeQueries(
  { projectId, runId }: Pick<About, "projectId" | "runId">,
  stage: Stage | null,
  isQuestion = false,
): RawBuilder<unknown> {
  return sql`, notices as (
      insert into fc.outbox (id, project_id, run_id, kind, payload)
      select ${uuidv7()}::uuid, r.project_id, r.id, 'notice_reporter', ${JSON.stringify({ stage, isQuestion })}::jsonb
      from fc.pipeline_runs r where ${stage !== null}::boolean and r.id = ${runId}::uuid and r.project_id = ${projectId}::uuid
        and exists (select from fc.feedback f where f.issue_id = r.issue_id and f.reporter_email is not null)
      returning id
    )`;
}

/**
 * A report that got another issue: its reporter hears how the work on that one ended or where it can be looked at,
 * and what comes then. Who heard it already does not hear it again.
 */
export async function queueStandingNotice(tx: Tx, feedbackId: string): Promise<void> {
  await sql`
    with told as (
      insert into fc.outbox (id, project_id, run_id, kind, payload)
      select ${uuidv7()}::uuid, r.project_id, r.id, 'notice_reporter', jsonb_build_object('stage', r.stage, 'isQuestion', false)
      from fc.feedback f, lateral (select * from fc.pipeline_runs r where r.issue_id = f.issue_id
        order by r.started_at desc, r.id desc limit 1) r
      where f.id = ${feedbackId} and f.reporter_email is not null and r.stage in ('preview_ready', 'deployed', 'failed', 'rejected')
      returning id
    )
    select pg_notify('fc_outbox', '') where exists (select from told)`.execute(tx);
}

/**
 * Turns a move of a run into mails to its reporters, each with a link of its own; the same move is told once to each.
 * @returns why there was nobody to tell, or null.
 */
export async function tellReporters(deps: Deps, { runId, stage, isQuestion }: About): Promise<string | null> {
  const said = `${runId}:${isQuestion ? "question" : stage}`;
  // As the system: mails are not of one tenant.
  return asSystem(deps.db, async (tx) => {
    const { rows } = await sql<{ id: string; projectId: string; email: string; projectName: string }>`
      update fc.feedback f set told = array_append(f.told, ${said}) from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
      where r.id = ${runId} and f.issue_id = r.issue_id and f.reporter_email is not null and not f.told @> array[${said}]
        and p.deleted_at is null and not (${isQuestion} and p.is_private and r.question_released_at is null)
        and not exists (select from fc.blocked_reporters b where b.project_id = f.project_id and b.reporter_hash = f.reporter_hash)
      returning f.id, f.project_id as "projectId", f.reporter_email as email, p.name as "projectName"`.execute(tx);
    if (rows.length === 0) return "nobody is left to tell";
    const waitingFor: WaitingFor | null = isQuestion ? "reporter" : null;
    const says = reportSays({ stage, waitingFor });
    const mails = rows.map((row) => mailOf(deps, row, { said, says }));
    await sql`
      with mail as (
        select * from jsonb_to_recordset(${JSON.stringify(mails)}::jsonb) as mail (id uuid, feedback_id uuid, project_id uuid,
          token_hash text, email text, once text, subject text, body text, link text)
      ), opened as (
        insert into fc.reporter_tokens (token_hash, feedback_id, project_id)
        select decode(token_hash, 'hex'), feedback_id, project_id from mail
      ), told as (select pg_notify('fc_outbox', ''))
      insert into fc.mails (id, project_id, kind, recipient, once, subject, body, sealed_link, expires_at)
      select mail.id, mail.project_id, 'report', mail.email, mail.once, mail.subject, mail.body, decode(mail.link, 'hex'),
        now() + make_interval(days => ${lifeDays}) from told, mail
      on conflict (once, recipient) do nothing`.execute(tx);
    return null;
  });
}

function mailOf(
  { sealing, newId, config }: Deps,
  {
    id: feedbackId,
    projectId,
    email,
    projectName,
  }: { id: string; projectId: string; email: string; projectName: string },
  { said, says }: { said: string; says: string },
) {
  const id = newId();
  const { token, hash } = mintReporterToken();
  const sealed = packSealed(sealing.seal(reporterLink(config.publicUrl, feedbackId, token), linkOf(id)));
  return {
    id, feedback_id: feedbackId, project_id: projectId, token_hash: hash.toString("hex"), email,
    once: `${said}:${feedbackId}`, subject: `Your report to ${projectName.replace(/\p{C}+/gu, " ")}`,
    body: `${says}\n\nLook, answer, or say whether it is right now:\n{link}\n`, link: sealed.toString("hex"),
  }; // prettier-ignore
}
