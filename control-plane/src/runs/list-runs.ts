import type { RunPage } from "@feedback-chat/protocol/run";
import { results, stages } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject, asWorkspace } from "../platform/as-tenant.ts";
import { cursorOf, placeOf } from "./cursor.ts";
import { type RunRow, selectRuns, toRun } from "./to-run.ts";

export const runListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(500).optional(),
  stage: z.enum(stages).optional(),
  result: z.enum(results).optional(),
  triggeredBy: z.string().max(200).optional(),
  issue: z.coerce.number().int().positive().max(2_147_483_647).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  /** In the issue's title. */
  q: z.string().max(200).optional(),
});
export type RunListQuery = z.output<typeof runListQuery>;

type Deps = Pick<AppDeps, "db">;
type Of = { projectId: string } | { workspaceId: string };

/**
 * Runs, newest first, by keyset: none comes twice and no old one is missed however many are made meanwhile.
 * @throws Problem invalid_cursor
 */
export async function listRuns({ db }: Deps, of: Of, query: RunListQuery): Promise<RunPage> {
  const { cursor, limit, ...filters } = query;
  const scope = [of, filters];
  const after = cursor === undefined ? null : placeOf(scope, cursor);
  const { stage, result, triggeredBy, issue, since, q } = filters;
  const like = q === undefined ? null : `%${q.replace(/[\\%_]/g, "\\$&")}%`;
  const isOf =
    "projectId" in of
      ? sql`r.project_id = ${of.projectId}`
      : sql`r.project_id in (select id from fc.projects where workspace_id = ${of.workspaceId} and deleted_at is null)`;
  const only = [
    isOf,
    ...(stage === undefined ? [] : [sql`r.stage = ${stage}`]),
    ...(result === undefined ? [] : [sql`r.result = ${result}`]),
    ...(triggeredBy === undefined ? [] : [sql`r.triggered_by = ${triggeredBy}`]),
    ...(issue === undefined ? [] : [sql`r.github_issue_number = ${issue}`]),
    ...(since === undefined ? [] : [sql`r.started_at >= ${since}::timestamptz`]),
    ...(like === null ? [] : [sql`i.title ilike ${like}`]),
    ...(after === null ? [] : [sql`(r.started_at, r.id) < (${after.at}::timestamptz, ${after.id}::uuid)`]),
  ];
  const select = sql<RunRow>`${selectRuns} where ${sql.join(only, sql` and `)}
    order by r.started_at desc, r.id desc limit ${limit + 1}`;
  const { rows } =
    "projectId" in of
      ? await asProject(db, of.projectId, (tx) => select.execute(tx))
      : await asWorkspace(db, of.workspaceId, (tx) => select.execute(tx));
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map(toRun),
    nextCursor: last ? cursorOf(scope, { at: last.started_at_text, id: last.id }) : null,
  };
}
