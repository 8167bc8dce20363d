import { decidePublish } from "@feedback-chat/agent/core/policy";
import { type Origin, runSettings } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import type { PermitRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { holdJob } from "./lease-fence.ts";

type Deps = { db: Db; newId: () => string };
type Permit = { permitId: string; approvedBy: string | null };
type Row = {
  stage: Stage;
  origin: Origin;
  settings: unknown;
  approved_tree_id: string | null;
  approved_by: string | null;
  permitted_tree_id: string | null;
};

/**
 * Gives this attempt its one leave to publish exactly this tree: because the project's policy lets it through, or
 * because a person approved this very tree. What was asked is stored in any case, so that a person can decide on it.
 * Asked again for the same tree, the same permit is answered.
 * @throws Problem lease_lost, not_permitted (held, cancelled, another tree, or not at that point yet)
 */
export async function permitPublish({ db, newId }: Deps, lease: HeldLease, asked: PermitRequest): Promise<Permit> {
  const answer = await asWorker(db, lease, async (tx) => {
    const job = await holdJob(tx, lease);
    const run = await readRun(tx, lease.runId);
    if (job.isCancelled) return "The run is being cancelled.";
    if (run.stage !== "validating") return `A run that is ${run.stage} has nothing to publish yet.`;
    if (job.permitId)
      return run.permitted_tree_id === asked.treeId
        ? { permitId: job.permitId, approvedBy: approverOf(run, asked) }
        : "This attempt's permit was for another tree.";
    await sql`update fc.pipeline_runs set permit_request = ${JSON.stringify(asked)}::jsonb where id = ${lease.runId}`.execute(
      tx,
    );
    const { publish } = runSettings.parse(run.settings);
    const decision =
      run.approved_tree_id === asked.treeId ? "publish" : decidePublish({ ...asked, publish, origin: run.origin });
    if (decision !== "publish") return decision.hold;
    const permitId = newId();
    await sql`update fc.job_queue set permit_id = ${permitId} where id = ${lease.jobId}`.execute(tx);
    await sql`update fc.pipeline_runs set permitted_tree_id = ${asked.treeId} where id = ${lease.runId}`.execute(tx);
    return { permitId, approvedBy: approverOf(run, asked) };
  });
  // Outside of the transaction: a no is stored too.
  if (typeof answer === "string") throw new Problem("not_permitted", answer);
  return answer;
}

async function readRun(tx: Tx, runId: string): Promise<Row> {
  const { rows } = await sql<Row>`
    select r.stage, r.origin, p.settings, r.approved_tree_id, r.approved_by, r.permitted_tree_id
    from fc.pipeline_runs r join fc.projects p on p.id = r.project_id where r.id = ${runId} for update of r`.execute(
    tx,
  );
  if (!rows[0]) throw new Problem("not_found", "There is no such run.");
  return rows[0];
}

function approverOf(run: Row, { treeId }: PermitRequest): string | null {
  return run.approved_tree_id === treeId ? run.approved_by : null;
}
