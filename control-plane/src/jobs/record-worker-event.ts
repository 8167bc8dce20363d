import { Problem } from "@feedback-chat/protocol/problem";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import type { eventRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { advanceRun } from "./advance-run.ts";
import { holdJob } from "./lease-fence.ts";

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
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const { rows } = await sql<{
      event_id: string | null;
      event: string;
      seq: string;
      stage: Stage;
    }>`
      select event_id, event, seq, to_stage as stage from fc.run_events where run_id = ${lease.runId}
        and (event_id = ${said.eventId} or (event = 'fix_round' and ${said.event} = 'fix_round' and attempt = ${lease.attempt}))`.execute(
      tx,
    );
    const known = rows.find(({ event_id }) => event_id === said.eventId);
    if (known) return { seq: Number(known.seq), stage: known.stage };
    if (rows.length > 0) throw new Problem("invalid_transition", "This attempt has had its one fix round.");
    const { seq, stage } = await advanceRun(tx, lease.runId, {
      event: said.event,
      actor: { kind: "worker", id: said.keyId },
      attempt: lease.attempt,
      eventId: said.eventId,
      ...(said.phase ? { phase: said.phase } : {}),
      detail: said.detail ?? null,
    });
    return { seq, stage };
  });
}
