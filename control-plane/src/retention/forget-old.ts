import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";

type Deps = { db: Db; log: Log };

/** Log lines of one statement: a few hundred milliseconds, so that nobody waits for its locks. */
const mostLines = 10_000;

/**
 * Removes what has been kept long enough: log lines, reporters' private words, addresses and talks by their project's days,
 * bodies of webhooks, effects that are done and invites that nobody took after 30 days, answers kept for repeats and
 * wrong passwords after a day, and all rows of a deleted project once its time has come. Of those only audit rows stay.
 */
export async function forgetOld({ db, log }: Deps, stopped: AbortSignal): Promise<void> {
  // As the system: they are of all projects.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ projects: string[]; texts: number; talks: number; bodies: number; answers: number }>`
      with purged as (
        delete from fc.projects where deleted_at is not null and coalesce(purge_at, deleted_at + interval '7 days') <= now() returning id
      ), texts as (
        update fc.feedback f set private_text = null, reporter_email = null, reopened_words = '{}' from fc.projects p
        where p.id = f.project_id and (f.private_text is not null or f.reporter_email is not null or f.reopened_words <> '{}') and f.created_at < now() - make_interval(days => p.private_days)
        returning 1
      ), talks as (
        delete from fc.conversations c using fc.projects p
        where p.id = c.project_id and c.updated_at < now() - make_interval(days => p.talk_days) returning 1
      ), bodies as (
        update fc.webhook_events set body = null where body is not null and created_at < now() - interval '30 days'
        returning 1
      ), answers as (
        delete from fc.idempotency_keys where created_at < now() - interval '24 hours' returning 1
      ), deliveries as (
        -- GitHub lists its own for three days.
        delete from fc.github_app_deliveries where created_at < now() - interval '30 days'
      ), effects as (
        -- Longer than any run stands: until then what was done keeps the same from being done twice.
        delete from fc.outbox where done_at < now() - interval '30 days'
      ), invites as (
        delete from fc.invites where accepted_at is null and expires_at < now() - interval '30 days'
      ), guesses as (
        delete from fc.login_failures where last_at < now() - interval '1 day'
      )
      select coalesce((select array_agg(id::text) from purged), '{}') as projects,
        (select count(*)::int from texts) as texts, (select count(*)::int from talks) as talks, (select count(*)::int from bodies) as bodies, (select count(*)::int from answers) as answers`.execute(
      tx,
    ),
  );
  let lines = 0;
  for (let count = mostLines; count === mostLines && !stopped.aborted; lines += count) count = await forgetLines(db);
  const { projects = [], texts = 0, talks = 0, bodies = 0, answers = 0 } = rows[0] ?? {};
  if (lines + texts + talks + bodies + answers + projects.length > 0)
    log.info("retention.forgot", { lines, texts, talks, bodies, answers, projects });
}

async function forgetLines(db: Db): Promise<number> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ count: string }>`select fc.forget_logs(${mostLines}) as count`.execute(tx),
  );
  return Number(rows[0]?.count ?? 0);
}
