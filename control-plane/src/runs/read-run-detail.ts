import type { RunDetail, RunEventEntry } from "@feedback-chat/protocol/run";
import { allowedActions } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { readRunRow } from "./read-run.ts";
import { toRun } from "./to-run.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

type Deps = Pick<AppDeps, "db">;

/** One run with its timeline, what people may do with it now, and what it left behind. */
export async function readRunDetail(
  { db }: Deps,
  { projectId, runId }: { projectId: string; runId: string },
): Promise<RunDetail> {
  return asProject(db, projectId, async (tx) => {
    const row = await readRunRow(tx, runId);
    const { rows: events } = await sql<EventRow>`
      select * from fc.run_events where run_id = ${runId} order by seq`.execute(tx);
    const { rows: artifacts } = await sql<{ name: string; sha256: string; sizeBytes: number }>`
      select name, encode(sha256, 'hex') as sha256, size_bytes as "sizeBytes"
      from fc.artifacts where run_id = ${runId} order by name`.execute(tx);
    const { rows: asked } = await sql<RunDetail["question"] & {}>`
      select r.question as text, r.answer, not p.is_private or r.question_released_at is not null as "isReleased"
      from fc.pipeline_runs r join fc.projects p on p.id = r.project_id where r.id = ${runId} and r.question is not null`.execute(
      tx,
    );
    const timeline: RunEventEntry[] = events.map(toEntry);
    return {
      ...toRun(row),
      origin: row.origin,
      branch: row.branch,
      issueTitle: row.issue_title,
      question: asked[0] ?? null,
      allowedActions: allowedActions({ stage: row.stage, waitingFor: row.waiting_for }),
      timeline,
      artifacts,
    };
  });
}
