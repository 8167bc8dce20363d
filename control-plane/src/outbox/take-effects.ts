import { sql } from "kysely";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Effect } from "./queue-effects.ts";

type Deps = { db: Db; config: Pick<Config, "figures"> };
export type DueEffect = {
  id: string;
  projectId: string;
  runId: string | null;
  kind: Effect["kind"];
  payload: object;
  attempts: number;
};

/** Those that speak with GitHub and leave nothing behind where there is no GitHub to speak with. */
const plainKinds: Effect["kind"][] = [
  "issue_labels", "issue_comment", "close_issue", "reopen_issue", "close_pull", "mark_ready", "delete_branch", "sweep_branch", "project_labels",
]; // prettier-ignore

/**
 * Takes up to `limit` due effects for this server alone. What needs no request is done with it: labels that a later
 * effect of the same run brings too, and whatever is for GitHub in a project that has no access to it.
 * @returns how many were taken, and those of them that are still to be delivered.
 */
export async function takeEffects(
  { db, config }: Deps,
  limit: number,
): Promise<{ taken: number; effects: DueEffect[] }> {
  // As the system: they are of all projects. The lock outlives this statement, so that no other server takes them too.
  const { rows } = await asSystem(db, (tx) =>
    sql<DueEffect & { isDone: boolean }>`
      with due as (
        select id, run_id, project_id, kind from fc.outbox
        where done_at is null and run_at <= now() and (locked_until is null or locked_until < now())
        order by run_at, id limit ${limit} for update skip locked
      ), judged as (
        select due.id, case
          when due.kind = 'issue_labels' and exists (select from fc.outbox later where later.run_id = due.run_id
            and later.kind = due.kind and later.done_at is null and later.id > due.id) then 'a later one brings the labels'
          when due.kind = any(${plainKinds}::text[]) and not exists (select from fc.projects p where p.id = due.project_id
            and (p.github_installation_id is not null or exists (select from fc.credentials c
              where c.project_id = p.id and c.type = 'github_token'))) then 'no github token' end as needless
        from due
      ), taken as (
        update fc.outbox o set attempts = attempts + 1, last_error = coalesce(judged.needless, last_error),
          done_at = case when judged.needless is not null then now() end,
          locked_until = case when judged.needless is null then now() + make_interval(secs => ${config.figures.outboxLockSeconds}) end
        from judged where o.id = judged.id returning o.*
      )
      select id, project_id as "projectId", run_id as "runId", kind, payload, attempts, done_at is not null as "isDone"
      from taken order by run_at, id`.execute(tx),
  );
  return { taken: rows.length, effects: rows.filter(({ isDone }) => !isDone) };
}
