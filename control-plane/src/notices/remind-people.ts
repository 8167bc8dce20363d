import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { deadlinesOfWaits } from "../core/deadlines.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { queueNotices, type Standing } from "./queue-notices.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;

const longestNoticeSeconds = 24 * 3_600;
const batchSize = 100;

/**
 * Tells people once more of each run that will end by itself soon: in the last quarter of its time, a day before at
 * most. Any replica may do it: the same is said once.
 * @returns how many runs were told of.
 */
export async function remindPeople(deps: Deps): Promise<number> {
  const waits = deadlinesOfWaits(deps.config.figures);
  return asSystem(deps.db, async (tx) => {
    const { rows } = await sql<Omit<Standing, "kind" | "reason">>`
      select r.id as "runId", r.project_id as "projectId", p.name as "projectName", p.workspace_id as "workspaceId",
        r.github_issue_number as "issueNumber", said.standing, r.standing_since + make_interval(secs => waits.seconds) as "endsAt"
      from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
        join jsonb_to_recordset(${JSON.stringify(waits)}::jsonb) as waits (stage text, "waitingFor" text, seconds float8)
          on waits.stage = r.stage and waits."waitingFor" = r.waiting_for,
        lateral (select r.id || ':' || floor(extract(epoch from r.standing_since) * 1000)::bigint as standing) said
      where r.result is null and p.deleted_at is null
        and r.standing_since + make_interval(secs => waits.seconds - least(waits.seconds / 4, ${longestNoticeSeconds}::float8)) <= now()
        and not exists (select from fc.mails m where m.once = said.standing || ':notice_soon_over')
      limit ${batchSize}`.execute(tx);
    await queueNotices(
      tx,
      deps,
      rows.map((row) => ({ ...row, kind: "notice_soon_over", reason: null })),
    );
    return rows.length;
  });
}
