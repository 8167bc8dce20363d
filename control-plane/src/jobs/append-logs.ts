import { Problem } from "@feedback-chat/protocol/problem";
import type { logsRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { type Logged, takeLines } from "../core/take-lines.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { holdJob } from "./lease-fence.ts";

type Deps = { db: Db };
type Append = z.output<typeof logsRequest>;

const maxBatchBytes = 256 * 1024;

/**
 * Stores the lines of an attempt that are not stored yet. `offset` counts this attempt's lines: what overlaps is
 * trimmed. They share the run's counter with its events. Past the run's limit lines are taken and not kept.
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
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const { acked, ...logged } = await readLogged(tx, lease);
    if (offset > acked) {
      throw new Problem("log_gap", `Lines ${acked} to ${offset - 1} are missing.`, {
        facts: { ackedOffset: acked },
      });
    }
    const fresh = lines.slice(acked - offset);
    if (fresh.length === 0) return { ackedOffset: acked };
    const taken = takeLines(fresh, logged);
    const ackedOffset = acked + fresh.length;
    await sql`update fc.job_queue set logged_lines = ${ackedOffset}, logged_bytes = ${taken.bytes} where id = ${lease.jobId}`.execute(
      tx,
    );
    if (taken.lines.length > 0) await store(tx, lease, { offset: acked, lines: taken.lines });
    return { ackedOffset };
  });
}

async function readLogged(tx: Tx, { jobId, runId, attempt }: HeldLease): Promise<Logged & { acked: number }> {
  const { rows } = await sql<Logged & { acked: number }>`
    select greatest(j.logged_lines, coalesce(last."offset" + 1, 0)) as acked, j.logged_bytes as bytes, last.message as "lastMessage"
    from fc.job_queue j left join lateral (
      select "offset", message from fc.run_logs where run_id = ${runId} and attempt = ${attempt} order by "offset" desc limit 1
    ) last on true where j.id = ${jobId}`.execute(tx);
  return rows[0] ?? { acked: 0, bytes: 0, lastMessage: null };
}

async function store(
  tx: Tx,
  { runId, projectId, attempt }: HeldLease,
  { offset, lines }: { offset: number; lines: { at: string; level: string; message: string }[] },
): Promise<void> {
  await sql`
    with numbered as (
      update fc.pipeline_runs set next_seq = next_seq + ${lines.length} where id = ${runId}
      returning next_seq - ${lines.length} as first_seq, project_id
    ), told as (
      select pg_notify('fc_runs', ${`${runId} ${projectId}`})
    )
    insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", timestamp, level, message)
    select ${runId}, numbered.first_seq + line.n - 1, numbered.project_id, ${attempt}, ${offset} + line.n - 1, line.at, line.level, line.message
    from numbered, told, unnest(${lines.map(({ at }) => at)}::timestamptz[], ${lines.map(({ level }) => level)}::text[],
      ${lines.map(({ message }) => message)}::text[]) with ordinality as line (at, level, message, n)`.execute(tx);
}
