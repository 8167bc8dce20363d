import pg from "pg";
import { waitUntil } from "../wait-until.ts";
import { type FaultKind, strikeAtRandom } from "./faults.ts";
import { finalStages } from "./judge-issue.ts";
import { isSettled, judgeField, type OpenedIssue, readStanding, type Standing } from "./judge-field.ts";
import { type Field, openField } from "./open-field.ts";
import { approveHeld, openIssues } from "./people.ts";
import { seeded } from "./seeded.ts";

export type ChaosSettings = {
  seed: number;
  jobs: number;
  /** For so long things go wrong. */
  seconds: number;
  /** On average, one fault in so many seconds. */
  faultEverySeconds: number;
  /** How long it may take afterwards until all is quiet. */
  settleSeconds: number;
  workers?: number;
  replicas?: number;
  projects?: number;
  concurrency?: number;
  /** Of the lease protocol's times; a machine that others have under load renews no lease of six seconds. */
  scale?: number;
  say(line: string): void;
};
export type ChaosResult = { violations: string[]; ledger: Record<string, number> };

/**
 * Everything that may fail fails at random, while people open issues and approve; then the faults end, all settles,
 * and it is judged from outside: by the database, by GitHub and by the machine's processes.
 */
export async function runChaos(settings: ChaosSettings): Promise<ChaosResult> {
  const { seed, jobs, seconds, say } = settings;
  const { workers = 4, replicas = 2, projects = 5, concurrency = 2, scale = 0.2 } = settings;
  await using field = await openField({ workers, replicas, projects, concurrency, scale });
  say(`seed ${seed}: ${workers} workers, ${replicas} replicas, ${projects} projects, ${jobs} issues in ${seconds} s`);
  const began = performance.now();
  const done = new AbortController();
  const approving = approveHeld(field, done.signal);
  const [issues, faults] = await Promise.all([
    openIssues(field, { random: seeded(seed + 1), count: jobs, seconds: seconds * 0.9 }),
    strikeAtRandom(field, { random: seeded(seed), seconds, everySeconds: settings.faultEverySeconds }),
  ]);
  say(`the faults are over after ${since(began)} s`);
  const { runs: before } = await readStanding(field.databaseUrl);
  const settling = performance.now();
  const standing = await settle(field, issues, settings);
  const minutes = (performance.now() - settling) / 60_000;
  const ended = endedOf(standing.runs) - endedOf(before);
  done.abort();
  const approvals = await approving;
  const violations = judgeField(field, standing, issues);
  const ledger = await keepLedger(field, { standing, issues, faults });
  const pace = { "ended after the faults": ended, "of these a minute": Math.round(ended / minutes) };
  return { violations, ledger: { ...ledger, ...pace, approvals, seconds: since(began) } };
}

const endedOf = (runs: Standing["runs"]) => runs.filter(({ stage }) => finalStages.includes(stage)).length;

const since = (ms: number) => Math.round((performance.now() - ms) / 1_000);

/** Until all is quiet, or until that has taken too long: then what is left is judged as it is. */
async function settle(field: Field, issues: OpenedIssue[], { settleSeconds, say }: ChaosSettings): Promise<Standing> {
  await Promise.all([...field.workers, ...field.servers.map(({ program }) => program)].map((one) => one.ready()));
  const end = performance.now() + settleSeconds * 1_000;
  let told = performance.now();
  let nextMs = 0;
  return waitUntil(
    "all runs have ended",
    async () => {
      // Each look reads all events and lines: what is judged needs the machine itself.
      if (performance.now() < nextMs) return undefined;
      nextMs = performance.now() + 3_000;
      const standing = await readStanding(field.databaseUrl);
      if (isSettled(standing, issues) || performance.now() > end) return standing;
      if (performance.now() - told > 10_000) {
        told = performance.now();
        const standings = countBy(standing.runs, ({ stage, waitingFor }) =>
          waitingFor ? `${stage} (for ${waitingFor})` : stage,
        );
        const stages = Object.entries(standings).map(([name, n]) => `${n} ${name}`);
        say(`settling: ${issues.length - standing.runs.length} issues without a run, ${stages.join(", ")}`);
      }
      return undefined;
    },
    { seconds: settleSeconds + 60 },
  );
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(items, nameOf)].map(([name, own]) => [name, own.length]));
}

type Counted = { standing: Standing; issues: OpenedIssue[]; faults: Map<FaultKind, number> };

async function keepLedger(field: Field, { standing, issues, faults }: Counted): Promise<Record<string, number>> {
  const { runs } = standing;
  const client = new pg.Client({ connectionString: field.databaseUrl });
  await client.connect();
  const { rows } = await client.query<Record<string, number>>(`
    select (select count(*)::int from fc.run_events where event = 'lease_lost') as requeues,
      (select count(*)::int from fc.webhook_events where status in ('duplicate', 'already_queued')) as kept_as_duplicate,
      (select count(*)::int from fc.webhook_events) as webhooks_stored,
      (select count(*)::int from fc.spend_reservations) as reservations,
      (select count(*)::int from fc.run_logs) as log_lines`);
  await client.end();
  const views = field.tenants.map(({ fullName }) => field.github.lookAt(fullName));
  const { requests, webhooks } = field.github;
  return {
    issues: issues.length,
    ...prefixed(
      "runs: ",
      countBy(runs, ({ stage, reason }) => (reason ? `${stage} (${reason})` : stage)),
    ),
    "pull requests": views.reduce((sum, { pulls }) => sum + pulls.length, 0),
    ...prefixed("fault: ", Object.fromEntries(faults)),
    "runs that lost a lease": runs.filter(({ lost }) => lost > 0).length,
    ...rows[0],
    "webhooks made": webhooks.deliveries.length,
    "redeliveries asked for by the product": requests.filter(
      ({ method, path }) => method === "POST" && path.endsWith("/attempts"),
    ).length,
  };
}

function prefixed(prefix: string, counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]));
}
