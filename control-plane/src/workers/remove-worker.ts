import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; workspaceId: string; workerId: string };

/**
 * Takes a worker off the list; if it still runs, its next claim tells it that it is not known, and it ends. Its key lives on.
 * @throws Problem conflict while it has a job, not_found when somebody else removed it meanwhile
 */
export async function removeWorker({ db, newId }: Deps, { caller, workspaceId, workerId }: Input): Promise<void> {
  await asWorkspace(db, workspaceId, async (tx) => {
    // Locked before its jobs are looked at: a claim holds the row by its job's foreign key until it has committed.
    const { rows } = await sql`
      select from fc.workers where id = ${workerId} and workspace_id = ${workspaceId} for update`.execute(tx);
    if (rows.length === 0) throw new Problem("not_found", "There is nothing with this id that you could see.");
    const { rows: jobs } = await sql`
      select from fc.job_queue where worker_id = ${workerId} and status = 'processing' limit 1`.execute(tx);
    if (jobs.length > 0)
      throw new Problem("conflict", "This worker runs a job now.", {
        next: "Drain it first (`POST /v1/workers/:id/drain`), and remove it when its job has ended.",
      });
    await sql`delete from fc.workers where id = ${workerId}`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId: null, actor: actorOf(caller), action: "worker.removed", target: idOf("wrk", workerId),
    }); // prettier-ignore
  });
}
