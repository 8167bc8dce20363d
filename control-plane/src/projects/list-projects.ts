import { idOf } from "@feedback-chat/protocol/ids";
import type { ProjectPage } from "@feedback-chat/protocol/project";
import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";
import { type ProjectRow, projectColumns, toProject } from "./to-project.ts";

type Deps = { db: Db };
type Page = { workspaceId: string; limit: number; cursor: string | undefined };
type ItemRow = ProjectRow & {
  run_count: string;
  run_id: string | null;
  issue_number: number;
  stage: Stage;
  waiting_for: WaitingFor | null;
  started_at: Date;
};

/** Newest first: ids are UUIDv7, so their order is that of creation. @throws Problem invalid_cursor */
export async function listProjects({ db }: Deps, page: Page): Promise<ProjectPage> {
  const scope = ["projects", page.workspaceId];
  const after = page.cursor === undefined ? null : placeOf(scope, page.cursor).id;
  const { rows } = await asWorkspace(db, page.workspaceId, (tx) =>
    sql<ItemRow>`
      select ${projectColumns}, counted.run_count, last.*
      from fc.projects p
      left join lateral (select count(*) as run_count from fc.pipeline_runs r where r.project_id = p.id) counted on true
      left join lateral (
        select r.id as run_id, r.github_issue_number as issue_number, r.stage, r.waiting_for, r.started_at
        from fc.pipeline_runs r where r.project_id = p.id order by r.started_at desc, r.id desc limit 1
      ) last on true
      where p.deleted_at is null and p.workspace_id = ${page.workspaceId} and (${after}::uuid is null or p.id < ${after}::uuid)
      order by p.id desc limit ${page.limit + 1}`.execute(tx),
  );
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(toItem),
    nextCursor: last ? cursorOf(scope, { at: last.created_at.toISOString(), id: last.id }) : null,
  };
}

function toItem(row: ItemRow): ProjectPage["items"][number] {
  return {
    ...toProject(row),
    runCount: Number(row.run_count),
    lastRun:
      row.run_id === null
        ? null
        : {
            id: idOf("run", row.run_id),
            issueNumber: row.issue_number,
            stage: row.stage,
            waitingFor: row.waiting_for,
            startedAt: row.started_at.toISOString(),
          },
  };
}
