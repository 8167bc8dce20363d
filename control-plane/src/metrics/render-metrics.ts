import { sql } from "kysely";
import { Gauge, Registry } from "prom-client";
import { countQueue } from "../operations/read-operations.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";

type Deps = { db: Db; config: { figures: { leaseSeconds: number } }; streams: { open: number } };
type Recent = { event: string; count: number };

/**
 * The instance's numbers in Prometheus' text form, read from the database at each scrape: every replica tells the
 * same, and a restart forgets none; but for its memory and its readers, which are the process' own. What happened is counted over the last hour.
 */
export async function renderMetrics(deps: Deps): Promise<{ text: string; contentType: string }> {
  const registry = new Registry();
  const tell = (name: string, help: string, value: number) =>
    new Gauge({ name: `feedback_chat_${name}`, help, registers: [registry] }).set(value);
  const told = await asSystem(deps.db, async (tx) => ({
    queue: await countQueue(tx, deps, sql`true`),
    ...(await recent(tx)),
  }));
  const { queue, events, deliveries, spentMicroUsd } = told;
  const jobs = new Gauge({ name: "feedback_chat_jobs", help: "Jobs that are not over.", labelNames: ["state"], registers: [registry] }); // prettier-ignore
  for (const state of ["waiting", "parked", "processing"] as const) jobs.set({ state }, queue[state]);
  tell("oldest_waiting_seconds", "How long the oldest job has waited for a worker.", queue.oldestWaitingSeconds ?? 0);
  tell("workers_online", "Workers that were heard lately.", queue.workersOnline);
  tell("spent_micro_usd_last_hour", "Micro-USD that models cost, with what is reserved.", spentMicroUsd);
  const runs = new Gauge({ name: "feedback_chat_run_events_last_hour", help: "Events of runs.", labelNames: ["event"], registers: [registry] }); // prettier-ignore
  for (const { event, count } of events) runs.set({ event }, count);
  const hooks = new Gauge({ name: "feedback_chat_webhooks_last_hour", help: "Webhooks that came in, by result.", labelNames: ["result"], registers: [registry] }); // prettier-ignore
  for (const { event, count } of deliveries) hooks.set({ result: event }, count);
  tell("sse_readers", "Event streams that are open at this process.", deps.streams.open);
  tell("process_resident_bytes", "Memory of this process.", process.memoryUsage.rss());
  return { text: await registry.metrics(), contentType: registry.contentType };
}

async function recent(tx: Tx): Promise<{ events: Recent[]; deliveries: Recent[]; spentMicroUsd: number }> {
  const events = await sql<Recent>`
    select event, count(*)::int as count from fc.run_events where created_at > now() - interval '1 hour' group by 1 order by 1`.execute(
    tx,
  );
  const deliveries = await sql<Recent>`
    select status as event, count(*)::int as count from fc.webhook_events where created_at > now() - interval '1 hour' group by 1 order by 1`.execute(
    tx,
  );
  const spent = await sql<{ sum: string }>`
    select coalesce(sum(coalesce(settled_micro_usd, reserved_micro_usd)), 0) as sum from fc.spend_reservations
    where created_at > now() - interval '1 hour'`.execute(tx);
  return { events: events.rows, deliveries: deliveries.rows, spentMicroUsd: Number(spent.rows[0]?.sum ?? 0) };
}
