import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { processesBelow } from "../process-tree.ts";
import type { Field } from "./open-field.ts";
import type { Seeded } from "./seeded.ts";

export type FaultKind = (typeof table)[number]["kind"];
type Row = { kind: string; weight: number; strike(field: Field, random: Seeded): Promise<void> | void };

const anyPath = /./;

/** What can happen, how often against the others, and how. What lasts ends by itself, and is waited for. */
const table = [
  fault("worker SIGKILL", 8, ({ workers }, random) => random.pick(workers).end("SIGKILL", random.between(0, 2_000))),
  // Up to twice a lease: it wakes up with somebody else at its job.
  fault("worker SIGSTOP", 6, ({ workers }, random) => random.pick(workers).freeze(random.between(500, 12_000))),
  fault("worker SIGTERM", 2, ({ workers }, random) => random.pick(workers).end("SIGTERM", random.between(0, 1_000))),
  fault("replica SIGKILL", 5, ({ servers }, random) =>
    random.pick(servers).program.end("SIGKILL", random.between(0, 4_000)),
  ),
  fault("replica SIGSTOP", 3, ({ servers }, random) => random.pick(servers).program.freeze(random.between(500, 8_000))),
  fault("replica SIGTERM", 3, ({ servers }, random) =>
    random.pick(servers).program.end("SIGTERM", random.between(0, 1_000)),
  ),
  fault("database SIGKILL", 1, async ({ postgres }, random) => {
    await postgres.crash();
    await pause(random.between(0, 3_000));
    await postgres.start();
  }),
  fault("database SIGSTOP", 1, async ({ postgres }, random) => {
    const all = [postgres.pid, ...processesBelow(postgres.pid).map(({ pid }) => pid)];
    const signal = (name: string) => execFileSync("sh", ["-c", `kill -${name} ${all.join(" ")} 2>/dev/null || true`]);
    signal("STOP");
    await pause(random.between(500, 4_000));
    signal("CONT");
  }),
  fault("database connections cut", 4, ({ servers }, random) => void random.pick(servers).database.cut()),
  fault("client connections cut", 4, ({ balancer }) => void balancer.cut()),
  fault("GitHub's answers lost", 4, ({ github }, random) => {
    const when = random.pick(["before", "after"] as const);
    github.failNext({ path: anyPath, when, dropConnection: true, times: Math.ceil(random.between(0, 4)) });
  }),
  fault("GitHub's errors", 3, ({ github }, random) => {
    github.failNext({
      path: anyPath,
      status: random.pick([500, 502, 503]),
      times: Math.ceil(random.between(0, 4)),
    });
  }),
  fault("webhooks lost", 5, ({ github }, random) => github.webhooks.loseNext(Math.ceil(random.between(0, 6)))),
  fault("webhooks doubled", 6, async ({ github }, random) => {
    const { deliveries } = github.webhooks;
    const some = Array.from({ length: 6 }, () => random.pick(deliveries).guid);
    // Each twice at once: they race with one another, and with what is on its way.
    await Promise.all([...some, ...some].map((guid) => github.webhooks.deliver(guid)));
  }),
  fault("webhooks delayed, in reverse", 4, async ({ github }, random) => {
    github.webhooks.hold();
    await pause(random.between(500, 6_000));
    void github.webhooks.release("reversed");
  }),
];

function fault<const K extends string>(kind: K, weight: number, strike: Row["strike"]): Row & { kind: K } {
  return { kind, weight, strike };
}

type Plan = { random: Seeded; seconds: number; everySeconds: number };

/**
 * Strikes at random for so many seconds; the order, the pauses and the lengths come from the seed alone. What is
 * alike is not struck twice at once: a frozen database is not killed.
 * @returns how often each kind struck, once the last fault is over.
 */
export async function strikeAtRandom(
  field: Field,
  { random, seconds, everySeconds }: Plan,
): Promise<Map<FaultKind, number>> {
  const counts = new Map<FaultKind, number>(table.map(({ kind }) => [kind, 0]));
  const lasting = new Map<string, Promise<void>>();
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    await pause(Math.min(-Math.log(1 - random.next()) * everySeconds * 1_000, end - performance.now()));
    if (performance.now() >= end) break;
    const { kind, strike } = random.weighted(table);
    const subject = kind.split(" ")[0] ?? kind;
    if (lasting.has(subject)) continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const struck = Promise.resolve(strike(field, random)).finally(() => lasting.delete(subject));
    lasting.set(subject, struck);
  }
  await Promise.all(lasting.values());
  field.github.clearFaults();
  await field.github.webhooks.release();
  return counts;
}
