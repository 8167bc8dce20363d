import { runSettings } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { holdJob } from "../jobs/lease-fence.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db; newId: () => string };
type Reserve = { requestId: string; microUsd: number };

/**
 * Sets money aside before it is spent. What is reserved and not settled counts as spent, and the project's row is
 * locked while the sums are looked at: however many ask at once, neither ceiling is ever passed.
 * @throws Problem lease_lost, budget_exceeded (`scope` names the ceiling, `leftMicroUsd` what would still fit; nothing
 * was reserved)
 */
export async function reserveSpend(
  { db, newId }: Deps,
  lease: HeldLease,
  { requestId, microUsd }: Reserve,
): Promise<{ reservationId: string }> {
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const { rows } = await sql<{ settings: unknown }>`
      select settings from fc.projects where id = ${lease.projectId} for no key update`.execute(tx);
    // After the lock, so that the sums hold what others reserved before us.
    const sums = await sql<{ known: string | null; run: string; day: string }>`
      select (select id from fc.spend_reservations where run_id = ${lease.runId} and request_id = ${requestId}) as known,
        (select coalesce(sum(coalesce(settled_micro_usd, reserved_micro_usd)), 0) from fc.spend_reservations where run_id = ${lease.runId}) as run,
        (select coalesce(sum(coalesce(settled_micro_usd, reserved_micro_usd)), 0) from fc.spend_reservations
          where project_id = ${lease.projectId} and created_at > now() - interval '24 hours') as day`.execute(tx);
    const { known, run, day } = sums.rows[0] ?? { known: null, run: "0", day: "0" };
    if (known) return { reservationId: known };
    const { budgetMicroUsd, dayBudgetMicroUsd } = runSettings.parse(rows[0]?.settings);
    refuseBeyond("run", microUsd, budgetMicroUsd - Number(run));
    refuseBeyond("day", microUsd, dayBudgetMicroUsd - Number(day));
    const reservationId = newId();
    await sql`
      insert into fc.spend_reservations (id, request_id, run_id, project_id, reserved_micro_usd)
      values (${reservationId}, ${requestId}, ${lease.runId}, ${lease.projectId}, ${microUsd})`.execute(tx);
    return { reservationId };
  });
}

function refuseBeyond(scope: "run" | "day", microUsd: number, leftMicroUsd: number): void {
  if (microUsd <= leftMicroUsd) return;
  const leftUsd = (Math.max(0, leftMicroUsd) / 1_000_000).toFixed(2);
  throw new Problem("budget_exceeded", `The ${scope}'s ceiling would be passed: ${leftUsd} USD of it are left.`, {
    facts: { scope, leftMicroUsd: Math.max(0, leftMicroUsd) },
  });
}
