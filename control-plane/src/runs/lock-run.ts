import { Problem } from "@feedback-chat/protocol/problem";
import type { Phase, Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** A run's row, locked by this transaction: what its next event depends on. */
export type LockedRun = {
  runId: string;
  projectId: string;
  stage: Stage;
  nextSeq: string;
  phase: Phase | null;
  waitingFor: WaitingFor | null;
  branch: string;
  prNumber: number | null;
  /** A permit was given once: the branch may be on GitHub, whether we were told or not. */
  wasPermitted: boolean;
};

/** For statements that lock the run (alias `r`) with other rows. */
export const lockedRun = sql`r.id as "runId", r.project_id as "projectId", r.stage, r.next_seq as "nextSeq", r.phase,
  r.waiting_for as "waitingFor", r.branch, r.github_pr_number as "prNumber", r.permitted_tree_id is not null as "wasPermitted"`;

/** After the job's lock, before the project's. @throws Problem not_found */
export async function lockRun(tx: Tx, runId: string): Promise<LockedRun> {
  const { rows } = await sql<LockedRun>`
    select ${lockedRun} from fc.pipeline_runs r where r.id = ${runId} for update`.execute(tx);
  if (!rows[0]) throw new Problem("not_found", "There is no such run.");
  return rows[0];
}
