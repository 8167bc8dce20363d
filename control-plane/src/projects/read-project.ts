import { Problem } from "@feedback-chat/protocol/problem";
import type { Project } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { type ProjectRow, projectColumns, toProject } from "./to-project.ts";

export async function readProject({ db }: { db: Db }, projectId: string): Promise<Project> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<ProjectRow>`select ${projectColumns} from fc.projects p where p.id = ${projectId} and p.deleted_at is null`.execute(
      tx,
    ),
  );
  const row = rows[0];
  if (!row) throw new Problem("not_found", "There is no such project.");
  return toProject(row);
}
