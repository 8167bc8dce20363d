import type { LogLine } from "@feedback-chat/protocol/run";
import type { Stage } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import type { SseMessage } from "../platform/serve-sse.ts";
import { toLine } from "./read-logs.ts";
import { type EventRow, toEntry } from "./to-entry.ts";

/** Rows of one look: 50 of the longest log lines are 400 KiB. */
export const batchSize = 50;

export type Standing = {
  stage: Stage;
  reason: string | null;
  lastSeq: number;
  cost: { costMicroUsd: number; inputTokens: number; outputTokens: number };
};

/** How the run stands; undefined when it was purged meanwhile. Read it before its messages: none is then missed. */
export async function readStanding(tx: Tx, runId: string): Promise<Standing | undefined> {
  const { rows } = await sql<{
    stage: Stage; reason: string | null; next_seq: string;
    cost_micro_usd: string; input_tokens: string; output_tokens: string;
  }>`select stage, reason, next_seq, cost_micro_usd, input_tokens, output_tokens from fc.pipeline_runs where id = ${runId}`.execute(tx); // prettier-ignore
  const [row] = rows;
  return (
    row && {
      stage: row.stage,
      reason: row.reason,
      lastSeq: Number(row.next_seq) - 1,
      cost: {
        costMicroUsd: Number(row.cost_micro_usd),
        inputTokens: Number(row.input_tokens),
        outputTokens: Number(row.output_tokens),
      },
    }
  );
}

type StreamRow = EventRow & { type: "stage" | "log"; level: LogLine["level"]; message: string };

/** Events and log lines after `seq`, in their one order. One statement, so that no snapshot lies between the two. */
export async function readMessages(tx: Tx, runId: string, seq: number): Promise<SseMessage[]> {
  const { rows } = await sql<StreamRow>`
    (select 'stage' as type, seq, created_at, event, from_stage, to_stage, phase, waiting_for, reason, detail, attempt, actor,
      null as level, null as message from fc.run_events where run_id = ${runId} and seq > ${seq} order by seq limit ${batchSize})
    union all
    (select 'log', seq, "timestamp", null, null, null, null, null, null, null, attempt, null, level, message
      from fc.run_logs where run_id = ${runId} and seq > ${seq} order by seq limit ${batchSize})
    order by seq limit ${batchSize}`.execute(tx);
  return rows.map((row) => ({
    event: row.type,
    id: Number(row.seq),
    data: row.type === "stage" ? toEntry(row) : toLine({ ...row, at: row.created_at }),
  }));
}
