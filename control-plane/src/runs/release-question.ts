import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { ActionAnswer } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { advanceRun } from "../jobs/advance-run.ts";
import { lockJob } from "../jobs/lock-job.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { readRun, readRunRow } from "./read-run.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string; runId: string };

/**
 * Lets the question of a run about a private repository out, to its issue and its reporters: a person has looked that
 * it holds no code. Twice is as good as once.
 * @throws Problem invalid_transition when the run asks nothing now
 */
export async function releaseQuestion(deps: Deps, input: Input): Promise<ActionAnswer> {
  const { caller, projectId, workspaceId, runId } = input;
  const actor = actorOf(caller);
  return asProject(deps.db, projectId, async (tx) => {
    const job = await lockJob(tx, runId);
    const { stage, waiting_for } = await readRunRow(tx, runId);
    if (!job || stage !== "queued" || waiting_for !== "reporter")
      throw new Problem("invalid_transition", "The run asks nothing now.", {
        facts: { stage, waitingFor: waiting_for },
      });
    const { rows } = await sql`
      update fc.pipeline_runs set question_released_at = now() where id = ${runId} and question_released_at is null returning id`.execute(
      tx,
    );
    if (rows.length > 0) {
      await advanceRun(tx, runId, { event: "question_released", actor, attempt: job.attempt });
      await writeAudit(tx, {
        id: deps.newId(), workspaceId, projectId, actor, action: "run.release_question", target: idOf("run", runId),
      }); // prettier-ignore
    }
    return { run: await readRun(tx, runId) };
  });
}
