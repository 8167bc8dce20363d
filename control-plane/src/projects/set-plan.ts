import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Plan, Project } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { type ProjectRow, projectColumns, toProject } from "./to-project.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; projectId: string; plan: Plan };

/**
 * Puts a project on a plan: its jobs, those that wait already too, come before those of lower plans at the same
 * workers. Asked for again, it changes what it left.
 * @throws Problem not_found
 */
export async function setPlan({ db, newId }: Deps, { caller, projectId, plan }: Input): Promise<Project> {
  const project = await asProject(db, projectId, async (tx) => {
    const { rows } = await sql<ProjectRow>`
      update fc.projects p set plan = ${plan} where id = ${projectId} and deleted_at is null returning ${projectColumns}`.execute(
      tx,
    );
    const row = rows[0];
    if (!row) throw new Problem("not_found", "There is no such project.");
    await writeAudit(tx, {
      id: newId(), workspaceId: row.workspace_id, projectId, actor: actorOf(caller),
      action: `project.plan.${plan}`, target: idOf("prj", projectId),
    }); // prettier-ignore
    return toProject(row);
  });
  // After it: who locks a job and its project takes the job first. What is queued from now on has the new priority.
  await asProject(db, projectId, (tx) =>
    sql`
      with late as (
        select j.id, p.priority from fc.job_queue j join fc.projects p on p.id = j.project_id
        where j.project_id = ${projectId} and j.status = 'pending' and j.priority <> p.priority order by j.id for update of j
      )
      update fc.job_queue j set priority = late.priority from late where j.id = late.id`.execute(tx),
  );
  return project;
}
