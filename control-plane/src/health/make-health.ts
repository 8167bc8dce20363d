import type { Healthz } from "@feedback-chat/protocol/healthz";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;

const cacheMs = 1_000;

/** Looks at most once a second, however many ask. */
export function makeHealth(deps: Deps): () => Promise<Healthz> {
  const startedMs = deps.now().getTime();
  let last: { atMs: number; answer: Promise<Healthz> } | undefined;
  return () => {
    const atMs = deps.now().getTime();
    if (!last || atMs - last.atMs >= cacheMs)
      last = { atMs, answer: look(deps, Math.floor((atMs - startedMs) / 1_000)) };
    return last.answer;
  };
}

/** The queue is well when no lease is long over: the sweeper is at work. It has its grace after a start. */
async function look(deps: Deps, up: number): Promise<Healthz> {
  const { sha, mode, figures } = deps.config;
  const lateSeconds = 2 * (figures.sweeperGraceSeconds + figures.sweepEverySeconds + figures.leaseSeconds);
  const late = await lateLeases(deps, lateSeconds);
  const parts = {
    database: late !== undefined,
    masterKey: deps.sealing.isReady,
    queue: late !== undefined && (late === 0 || up < lateSeconds),
  };
  return { sha, env: mode, up, deps: parts };
}

/** Undefined when the database does not answer in time. */
async function lateLeases({ db }: Deps, lateSeconds: number): Promise<number | undefined> {
  const query = asSystem(db, (tx) =>
    sql<{ late: number }>`select count(*)::int as late from fc.job_queue
      where status = 'processing' and lease_expires_at < now() - make_interval(secs => ${lateSeconds})`.execute(tx),
  ).then(
    ({ rows }) => rows[0]?.late ?? 0,
    // Whatever it is, it says that the database is not well; the answer carries it.
    () => undefined,
  );
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), 3_000);
  const answer = await Promise.race([query, tooLate]);
  clearTimeout(timer);
  return answer;
}
