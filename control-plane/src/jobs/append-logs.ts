import { cleanLine } from "@feedback-chat/agent/core/clean-log";
import { makeRedactor } from "@feedback-chat/agent/core/redact";
import { Problem } from "@feedback-chat/protocol/problem";
import type { logsRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { holdJob } from "./lease-fence.ts";

type Deps = { db: Db };
type Append = z.output<typeof logsRequest>;

const maxBatchBytes = 256 * 1024;

/**
 * Stores the lines of an attempt that are not stored yet. `offset` counts this attempt's lines: what overlaps is
 * trimmed. They share the run's counter with its events.
 * @throws Problem lease_lost, log_gap (`ackedOffset` says where to begin), payload_too_large
 */
export async function appendLogs(
  { db }: Deps,
  lease: HeldLease,
  { offset, lines }: Append,
): Promise<{ ackedOffset: number }> {
  const sizeBytes = lines.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);
  if (sizeBytes > maxBatchBytes)
    throw new Problem("payload_too_large", `At most ${maxBatchBytes} bytes of lines are taken at once.`);
  const messages = redactLines(lines.map(({ message }) => message));
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const acked = await countLines(tx, lease);
    if (offset > acked) {
      throw new Problem("log_gap", `Lines ${acked} to ${offset - 1} are missing.`, {
        facts: { ackedOffset: acked },
      });
    }
    const fresh = lines.slice(acked - offset);
    if (fresh.length === 0) return { ackedOffset: acked };
    await sql`
      with numbered as (
        update fc.pipeline_runs set next_seq = next_seq + ${fresh.length} where id = ${lease.runId}
        returning next_seq - ${fresh.length} as first_seq, project_id
      ), told as (
        select pg_notify('fc_runs', ${`${lease.runId} ${lease.projectId}`})
      )
      insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", timestamp, level, message)
      select ${lease.runId}, numbered.first_seq + line.n - 1, numbered.project_id, ${lease.attempt}, ${acked} + line.n - 1, line.at, line.level, line.message
      from numbered, told, unnest(${fresh.map(({ at }) => at)}::timestamptz[], ${fresh.map(({ level }) => level)}::text[],
        ${messages.slice(acked - offset)}::text[]) with ordinality as line (at, level, message, n)`.execute(tx);
    return { ackedOffset: acked + fresh.length };
  });
}

async function countLines(tx: Tx, { runId, attempt }: HeldLease): Promise<number> {
  const { rows } = await sql<{ acked: number }>`
    select coalesce(max("offset") + 1, 0) as acked from fc.run_logs where run_id = ${runId} and attempt = ${attempt}`.execute(
    tx,
  );
  return rows[0]?.acked ?? 0;
}

const redactor = makeRedactor([]);

/** Again, as the worker did: by the forms of secrets, also of those that span lines. The count of lines stays. */
function redactLines(messages: string[]): string[] {
  const clean = messages.map((message) => cleanLine(message, redactor.text));
  const redacted = redactor.text(clean.join("\n")).split("\n");
  return clean.map((_, index) => redacted[index] ?? "");
}
