import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { patchProjectRequest, Project } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { type ProjectRow, projectColumns, toProject } from "./to-project.ts";

type Deps = { db: Db; newId: () => string };
type Change = { caller: Caller; projectId: string; change: z.output<typeof patchProjectRequest> };

/**
 * Changes what is named and leaves the rest. A project that is paused no longer gets its waiting jobs claimed; taken
 * up again, it wakes the workers.
 * @throws Problem name_taken, not_found
 */
export async function changeProject(deps: Deps, { caller, projectId, change }: Change): Promise<Project> {
  const { name = null, isPaused = null, triggerLabel = null, settings = {} } = change;
  const { maxConcurrentRuns = null, logDays = null, privateDays = null, talkDays = null } = change;
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<ProjectRow>`
      update fc.projects p set name = coalesce(${name}, name), is_paused = coalesce(${isPaused}, is_paused),
        trigger_label = coalesce(${triggerLabel}, trigger_label), settings = settings || ${JSON.stringify(settings)}::jsonb,
        max_concurrent_runs = coalesce(${maxConcurrentRuns}, max_concurrent_runs), log_days = coalesce(${logDays}, log_days),
        private_days = coalesce(${privateDays}, private_days), talk_days = coalesce(${talkDays}, talk_days),
        room_since = case when (is_paused and not coalesce(${isPaused}, is_paused))
          or max_concurrent_runs < coalesce(${maxConcurrentRuns}, max_concurrent_runs) then now() else room_since end
      where id = ${projectId} and deleted_at is null returning ${projectColumns}`
      .execute(tx)
      .catch(asNameTaken);
    const row = rows[0];
    if (!row) throw new Problem("not_found", "There is no such project.");
    await sql`select pg_notify('fc_jobs', ${row.workspace_id})`.execute(tx);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId: row.workspace_id, projectId, actor: actorOf(caller),
      action: "project.changed", target: idOf("prj", projectId),
    }); // prettier-ignore
    return toProject(row);
  });
}

function asNameTaken(error: unknown): never {
  if (error instanceof Error && "code" in error && error.code === "23505")
    throw new Problem("name_taken", "Another project has this name.", { cause: error });
  throw error;
}
