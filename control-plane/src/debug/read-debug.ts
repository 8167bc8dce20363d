import { cleanLine } from "@feedback-chat/agent/core/clean-log";
import type { DebugAnswer } from "@feedback-chat/protocol/operating";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { channels } from "../platform/signals.ts";
import type { Sessions } from "../sessions/open-sessions.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "config" | "newId"> & { sessions: Pick<Sessions, "sessionOf"> };

const [signalMs, answerMs] = [2_000, 5_000];

/** Tries everything that the server needs, all at once, and says of each how long it took or why it did not work. */
export async function readDebug(deps: Deps): Promise<DebugAnswer> {
  const { db, config } = deps;
  const [database, session, queue, sse, github, model] = await Promise.all([
    look(() => asSystem(db, (tx) => sql`select 1`.execute(tx))),
    look(() => deps.sessions.sessionOf(new Headers())),
    look(() => asSystem(db, (tx) => sql`select from fc.job_queue where status = 'pending' limit 1`.execute(tx))),
    look(() => signalAndBack(deps)),
    look(() => answers(`${config.githubApiUrl}/rate_limit`, "GET")),
    look(() => answers(config.modelUrl, "HEAD")),
  ]);
  return { database, session, queue, sse, github, model };
}

async function look(work: () => Promise<unknown>): Promise<DebugAnswer["database"]> {
  const startMs = performance.now();
  const after = () => Math.round(performance.now() - startMs);
  try {
    await work();
    return { ok: true, ms: after(), reason: null };
  } catch (error) {
    return { ok: false, ms: after(), reason: reasonOf(error) };
  }
}

/** `fetch` says only that it failed; why stands in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cleanLine(cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message).slice(0, 300);
}

/** Streams, long polls and background work are woken by signals; without them all of them wait for their clocks. */
async function signalAndBack({ db, signals, newId }: Deps): Promise<void> {
  const key = newId();
  const startMs = performance.now();
  const next = signals.next("runs", key);
  try {
    await asSystem(db, (tx) => sql`select pg_notify(${channels.runs}, ${key})`.execute(tx));
    await next.wait(signalMs);
  } finally {
    next.cancel();
  }
  if (performance.now() - startMs >= signalMs)
    throw new Error("No signal came back within 2 s. Behind a pooler, set DATABASE_DIRECT_URL.");
}

/** Any answer but a fault of theirs: they need not know us. */
async function answers(url: string, method: string): Promise<void> {
  const { status, body } = await fetch(url, { method, signal: AbortSignal.timeout(answerMs), redirect: "manual" });
  await body?.cancel();
  if (status >= 500) throw new Error(`It answered ${status}.`);
}
