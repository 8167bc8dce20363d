import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import type { eventRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { type LockedRun, lockedRun } from "../runs/lock-run.ts";
import { advanceLocked } from "./advance-run.ts";
import { holdJob, isHeldBy, leaseLost } from "./lease-fence.ts";

type Deps = { db: Db };
type Said = z.output<typeof eventRequest> & { keyId: string };

/**
 * Takes what a worker says happened; the machine decides where that leads. The same `eventId` again changes nothing.
 * @throws Problem lease_lost, invalid_transition
 */
export async function recordWorkerEvent(
  { db }: Deps,
  lease: HeldLease,
  said: Said,
): Promise<{ seq: number; stage: Stage }> {
  const record = () =>
    asWorker(db, lease, async (tx) => {
      const run = await holdRun(tx, lease);
      if (said.event === "fix_round") await refuseSecondRound(tx, lease, said.eventId);
      const { seq, stage } = await advanceLocked(tx, run, {
        event: said.event,
        actor: { kind: "worker", id: said.keyId },
        attempt: lease.attempt,
        eventId: said.eventId,
        ...(said.phase ? { phase: said.phase } : {}),
        detail: said.detail ?? null,
      });
      return { seq, stage };
    });
  try {
    return await record();
  } catch (error) {
    // Said before: then the machine has moved on from there, or its row is there already.
    const mayBeKnown = isProblem(error, "invalid_transition") || isDouble(error);
    const known = mayBeKnown ? await asWorker(db, lease, (tx) => findKnown(tx, lease, said.eventId)) : null;
    if (known) return known;
    throw error;
  }
}

/** Locks the job that the lease holds, then its run. @throws Problem lease_lost */
async function holdRun(tx: Tx, lease: HeldLease): Promise<LockedRun> {
  const { rows } = await sql<LockedRun>`
    select ${lockedRun} from fc.job_queue j join fc.pipeline_runs r on r.id = j.run_id
    where ${isHeldBy(lease)} for update of j, r`.execute(tx);
  if (!rows[0]) throw leaseLost();
  return rows[0];
}

async function refuseSecondRound(tx: Tx, { runId, attempt }: HeldLease, eventId: string): Promise<void> {
  const { rows } = await sql`
    select from fc.run_events where run_id = ${runId} and event = 'fix_round' and attempt = ${attempt}
      and event_id is distinct from ${eventId}`.execute(tx);
  if (rows.length > 0) throw new Problem("invalid_transition", "This attempt has had its one fix round.");
}

async function findKnown(tx: Tx, lease: HeldLease, eventId: string): Promise<{ seq: number; stage: Stage } | null> {
  await holdJob(tx, lease);
  const { rows } = await sql<{ seq: string; stage: Stage }>`
    select seq, to_stage as stage from fc.run_events where run_id = ${lease.runId} and event_id = ${eventId}`.execute(
    tx,
  );
  return rows[0] ? { seq: Number(rows[0].seq), stage: rows[0].stage } : null;
}

function isDouble(error: unknown): boolean {
  return error instanceof Error && "constraint" in error && error.constraint === "run_events_once";
}
