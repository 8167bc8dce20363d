import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { ProjectPage } from "@feedback-chat/protocol/project";
import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
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

/** Newest first: ids are UUIDv7, so their order is that of creation. */
export async function listProjects({ db }: Deps, page: Page): Promise<ProjectPage> {
  const after = page.cursor === undefined ? null : uuidOfCursor(page.cursor);
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
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > page.limit && last ? idOf("prj", last.id) : null,
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

function uuidOfCursor(cursor: string): string {
  try {
    return uuidOf("prj", cursor);
  } catch (error) {
    if (!isProblem(error, "not_found")) throw error;
    throw new Problem("invalid_cursor", "This cursor is not of this list.", { cause: error });
  }
}
