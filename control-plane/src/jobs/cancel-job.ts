import type { Actor } from "@feedback-chat/protocol/actor";
import type { Job } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { recordAction } from "../runs/record-action.ts";
import { readJob } from "./read-job.ts";
import { requestCancel } from "./request-cancel.ts";

type Deps = { db: Db; newId: () => string };
type Input = { projectId: string; workspaceId: string; jobId: string; actor: Actor };

/**
 * Stops a job for a person: at once when it waits, else as soon as its worker has stopped, or without it.
 * @throws Problem invalid_transition when it is over already
 */
export async function cancelJob({ db, newId }: Deps, { projectId, workspaceId, jobId, actor }: Input): Promise<Job> {
  return asProject(db, projectId, async (tx) => {
    const { rows } = await sql<{
      run_id: string;
    }>`select run_id from fc.job_queue where id = ${jobId} and run_id is not null`.execute(tx);
    if (!rows[0]) throw new Problem("not_found", "There is no such job.");
    const runId = rows[0].run_id;
    const done = await requestCancel(tx, runId, {
      actor,
      reason: "cancelled",
      then: "cancelled",
    });
    if (done === "inactive")
      throw new Problem("invalid_transition", "The job is over: there is nothing to cancel.", {
        facts: { allowed: [] },
      });
    const cancel = { projectId, workspaceId, runId, actor, request: { action: "cancel" } as const, comment: null };
    await recordAction(tx, { newId }, cancel);
    return readJob(tx, jobId);
  });
}
