import type { Spend } from "@feedback-chat/protocol/evidence";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { holdJob } from "../jobs/lease-fence.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db };
type Settle = {
  reservationId: string;
  microUsd: number;
  tokens?: { input: number; output: number } | undefined;
};

/**
 * Replaces a reservation by what was really spent, and adds it to the run. The same call again changes nothing.
 * @returns what the run has spent so far.
 * @throws Problem lease_lost, not_found
 */
export async function settleSpend(
  { db }: Deps,
  lease: HeldLease,
  { reservationId, microUsd, tokens }: Settle,
): Promise<Spend> {
  const { input, output } = tokens ?? { input: 0, output: 0 };
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const known = await sql`
      select from fc.spend_reservations where id = ${reservationId} and run_id = ${lease.runId}`.execute(tx);
    if (known.rows.length === 0) throw new Problem("not_found", "This run has no such reservation.");
    const { rows } = await sql<{ cost: string; input: string; output: string }>`
      with settled as (
        update fc.spend_reservations set settled_micro_usd = ${microUsd}, input_tokens = ${input}, output_tokens = ${output}, settled_at = now()
        where id = ${reservationId} and run_id = ${lease.runId} and settled_micro_usd is null
        returning settled_micro_usd, input_tokens, output_tokens
      ), told as (
        select pg_notify('fc_runs', ${`${lease.runId} ${lease.projectId}`}) from settled
      )
      update fc.pipeline_runs r set
        cost_micro_usd = r.cost_micro_usd + coalesce((select settled_micro_usd from settled), 0),
        input_tokens = r.input_tokens + coalesce((select input_tokens from settled), 0),
        output_tokens = r.output_tokens + coalesce((select output_tokens from settled), 0)
      from (select count(*) from told) once where r.id = ${lease.runId}
      returning r.cost_micro_usd as cost, r.input_tokens as input, r.output_tokens as output`.execute(tx);
    const run = rows[0];
    return {
      costMicroUsd: Number(run?.cost),
      inputTokens: Number(run?.input),
      outputTokens: Number(run?.output),
    };
  });
}
