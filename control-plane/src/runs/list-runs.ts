import type { RunPage } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject, asWorkspace } from "../platform/as-tenant.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";
import { pageQuery } from "../platform/page.ts";
import { isOfRun, runFilters } from "./filter-runs.ts";
import { type RunRow, selectRuns, toRun } from "./to-run.ts";

export const runListQuery = pageQuery.extend(runFilters.shape);
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
  const { stage, result } = filters;
  const isOf =
    "projectId" in of
      ? sql`r.project_id = ${of.projectId}`
      : sql`r.project_id in (select id from fc.projects where workspace_id = ${of.workspaceId} and deleted_at is null)`;
  const only = [
    isOf,
    ...(stage === undefined ? [] : [sql`r.stage = ${stage}`]),
    ...(result === undefined ? [] : [sql`r.result = ${result}`]),
    ...isOfRun(filters),
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
