import { Problem } from "@feedback-chat/protocol/problem";
import type { logsRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { type Logged, takeLines } from "../core/take-lines.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { isHeldBy, leaseLost } from "./lease-fence.ts";

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
    const { acked, ...logged } = await holdLogged(tx, lease);
    if (offset > acked) {
      throw new Problem("log_gap", `Lines ${acked} to ${offset - 1} are missing.`, {
        facts: { ackedOffset: acked },
      });
    }
    const fresh = lines.slice(acked - offset);
    if (fresh.length === 0) return { ackedOffset: acked };
    const taken = takeLines(fresh, logged);
    await store(tx, lease, { offset: acked, count: fresh.length, ...taken });
    return { ackedOffset: acked + fresh.length };
  });
}

/**
 * Locks the job that this lease holds, and reads how far its log is.
 * @throws Problem lease_lost
 */
async function holdLogged(tx: Tx, lease: HeldLease): Promise<Logged & { acked: number }> {
  const { runId, attempt } = lease;
  const { rows } = await sql<Logged & { acked: number; last: number | null }>`
    select greatest(j.logged_lines, coalesce(last."offset" + 1, 0)) as acked, j.logged_bytes as bytes, last."offset" as last, last.message as "lastMessage"
    from fc.job_queue j left join lateral (
      select "offset", message from fc.run_logs where run_id = ${runId} and attempt = ${attempt} order by "offset" desc limit 1
    ) last on true where ${isHeldBy(lease)} for update of j`.execute(tx);
  const row = rows[0];
  if (!row) throw leaseLost();
  const { last, ...logged } = row;
  // The job's row is as of its lock; the last line may be as of before, when another append of this attempt held it.
  if (logged.acked === (last ?? -1) + 1) return logged;
  return { ...logged, lastMessage: await readLastMessage(tx, lease) };
}

async function readLastMessage(tx: Tx, { runId, attempt }: HeldLease): Promise<string | null> {
  const { rows } = await sql<{ message: string }>`
    select message from fc.run_logs where run_id = ${runId} and attempt = ${attempt} order by "offset" desc limit 1`.execute(
    tx,
  );
  return rows[0]?.message ?? null;
}

type Taken = { offset: number; count: number; bytes: number; lines: { at: string; level: string; message: string }[] };

async function store(
  tx: Tx,
  { jobId, runId, projectId, attempt }: HeldLease,
  { offset, count, bytes, lines }: Taken,
): Promise<void> {
  await sql`
    with acked as (
      update fc.job_queue set logged_lines = ${offset + count}, logged_bytes = ${bytes} where id = ${jobId}
    ), numbered as (
      update fc.pipeline_runs set next_seq = next_seq + ${lines.length}::int where id = ${runId} and ${lines.length}::int > 0
      returning next_seq - ${lines.length}::int as first_seq, project_id
    ), stored as (
      insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", timestamp, level, message)
      select ${runId}, numbered.first_seq + line.n - 1, numbered.project_id, ${attempt}, ${offset} + line.n - 1, line.at, line.level, line.message
      from numbered, unnest(${lines.map(({ at }) => at)}::timestamptz[], ${lines.map(({ level }) => level)}::text[],
        ${lines.map(({ message }) => message)}::text[]) with ordinality as line (at, level, message, n)
    )
    select pg_notify('fc_runs', ${`${runId} ${projectId}`}) from numbered`.execute(tx);
}
