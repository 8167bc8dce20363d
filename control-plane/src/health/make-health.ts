import type { Healthz } from "@feedback-chat/protocol/healthz";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "vault" | "config"> & {
  /** Milliseconds that never run backwards, whatever becomes of the system's clock. */
  monotonicMs: () => number;
};

const cacheMs = 1_000;

/** Checks the instance's health, at most once a second however many requests arrive. */
export function makeHealth(deps: Deps): () => Promise<Healthz> {
  const startedMs = deps.monotonicMs();
  let last: { atMs: number; answer: Promise<Healthz> } | undefined;
  return () => {
    const atMs = deps.monotonicMs();
    if (!last || atMs - last.atMs >= cacheMs)
      last = { atMs, answer: checkHealth(deps, Math.floor((atMs - startedMs) / 1_000)) };
    return last.answer;
  };
}

/** The queue is healthy while no lease is long overdue: the sweeper works. It has its grace period after a start. */
async function checkHealth(deps: Deps, uptimeSeconds: number): Promise<Healthz> {
  const { sha, environment, figures } = deps.config;
  const lateSeconds = 2 * (figures.sweeperGraceSeconds + figures.sweepEverySeconds + figures.leaseSeconds);
  const late = await countLateLeases(deps, lateSeconds);
  const parts = {
    database: late !== undefined,
    masterKey: deps.sealing.isReady && deps.vault.unreadable.length === 0,
    queue: late !== undefined && (late === 0 || uptimeSeconds < lateSeconds),
  };
  return { sha, env: environment, up: true, deps: parts };
}

/** Undefined when the database does not answer in time. */
async function countLateLeases({ db }: Pick<Deps, "db">, lateSeconds: number): Promise<number | undefined> {
  const query = asSystem(db, (tx) =>
    sql<{ late: number }>`select count(*)::int as late from fc.job_queue
      where status = 'processing' and lease_expires_at < now() - make_interval(secs => ${lateSeconds})`.execute(tx),
  ).then(
    ({ rows }) => rows[0]?.late ?? 0,
    // Whatever failed, the database is unhealthy, and the answer says so.
    () => undefined,
  );
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), 3_000);
  const answer = await Promise.race([query, tooLate]);
  clearTimeout(timer);
  return answer;
}
