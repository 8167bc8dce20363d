import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { requestCancel } from "../jobs/request-cancel.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller, hasRole } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { db: Db; newId: () => string };
type Input = { caller: Caller; projectId: string; workspaceId: string; isPurgedNow: boolean };

/**
 * Ends a project: from the commit on its keys, its webhook, its credentials and its leases are dead, and what ran is
 * cancelled. The rows stay for a week, or go at once if an owner wants that (`isPurgedNow`); what lies on
 * GitHub stays for good.
 * @throws Problem forbidden
 */
export async function deleteProject(
  { db, newId }: Deps,
  { caller, projectId, workspaceId, isPurgedNow }: Input,
): Promise<void> {
  const actor = actorOf(caller);
  if (isPurgedNow && !(caller.kind === "user" && hasRole(caller.roles[workspaceId], "owner")))
    throw new Problem("forbidden", "Only an owner removes a project's rows at once.", {
      next: "Delete it without `purge=now`: its rows go after seven days.",
    });
  await asProject(db, projectId, async (tx) => {
    const { rows } = await sql<{ run_id: string }>`
      select run_id from fc.job_queue where project_id = ${projectId} and status in ('pending', 'processing') and run_id is not null
      order by id for update`.execute(tx);
    // All jobs are locked by now: the first one's event locks the project, and no job may be locked after that.
    for (const { run_id: runId } of rows)
      await requestCancel(tx, runId, { actor, reason: "project_deleted", then: "cancelled" });
    await sql`update fc.api_keys set revoked_at = coalesce(revoked_at, now()) where project_id = ${projectId}`.execute(
      tx,
    );
    await sql`delete from fc.credentials where project_id = ${projectId}`.execute(tx);
    await sql`
      update fc.projects set deleted_at = now(), purge_at = case when ${isPurgedNow} then now() end
      where id = ${projectId} and deleted_at is null`.execute(tx);
    if (isPurgedNow) await sql`select pg_notify('fc_retention', '')`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId, actor, action: "project.deleted", target: idOf("prj", projectId),
    }); // prettier-ignore
  });
}
