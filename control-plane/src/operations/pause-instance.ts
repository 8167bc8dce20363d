import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = { db: Db; newId: () => string };

/**
 * "Stop all agents": from the commit on no worker gets a job, in any workspace. What runs already ends as it would;
 * resumed, the waiting workers of every workspace are woken.
 */
export async function pauseInstance(
  { db, newId }: Deps,
  { caller, isPaused }: { caller: Caller; isPaused: boolean },
): Promise<{ isPaused: boolean }> {
  // As the system: it is the instance's, no tenant's.
  return asSystem(db, async (tx) => {
    const { rows } =
      await sql`update fc.instance set is_paused = ${isPaused}, resumed_at = case when ${isPaused} then resumed_at else now() end
        where is_paused <> ${isPaused} returning 1`.execute(tx);
    if (rows.length === 0) return { isPaused };
    if (!isPaused) await sql`select pg_notify('fc_jobs', id::text) from fc.workspaces`.execute(tx);
    await writeAudit(tx, {
      id: newId(), workspaceId: null, projectId: null, actor: actorOf(caller), target: null,
      action: isPaused ? "instance.paused" : "instance.resumed",
    }); // prettier-ignore
    return { isPaused };
  });
}
