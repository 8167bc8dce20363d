import { endRunning, runSuite, type Result, type Surroundings } from "./run-suite.ts";
import type { Suite } from "./suites.ts";
import { type CaseSet, caseSets, tallyCases } from "./tally-cases.ts";

/** Runs the lanes side by side, each in order; tells each suite as it ends and the total as the very last line. */
export async function runLanes(around: Surroundings, suites: readonly Suite[]): Promise<boolean> {
  const stop = () => {
    endRunning();
    process.exit(130);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const lanes = [...new Set(suites.map((suite) => suite.lane))];
  const results = await Promise.all(
    lanes.map((lane) =>
      runLane(
        around,
        suites.filter((suite) => suite.lane === lane),
      ),
    ),
  );
  process.off("SIGINT", stop).off("SIGTERM", stop);
  const ran = results.flat();
  const all = [...ran, ...caseSets.flatMap((set) => judgeCases(set, ran))];
  process.stdout.write(`${total(all)}\n`);
  return all.length > 0 && all.every((result) => result.failed === 0);
}

/** Tells each acceptance case of a set whose suites all ran; as a gate, so that a case without a test fails. */
function judgeCases(set: CaseSet, ran: readonly Result[]): Result[] {
  const own = ran.filter(({ name }) => set.suites.includes(name));
  if (own.length < set.suites.length) return [];
  const lines = tallyCases(
    set.cases,
    own.flatMap(({ tests }) => tests),
  );
  const good = lines.filter(({ isOk }) => isOk).length;
  process.stdout.write(
    `${lines.map(({ text }) => `${text}\n`).join("")}${good} of ${lines.length} ${set.name} cases ok\n`,
  );
  const failed = good === lines.length ? 0 : 1;
  return [{ name: set.name, seconds: 0, output: "", tests: [], passed: 1 - failed, failed, skipped: 0 }];
}

async function runLane(around: Surroundings, suites: readonly Suite[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const suite of suites) {
    const result = await runSuite(around, suite);
    process.stdout.write(tell(suite, result));
    results.push(result);
  }
  return results;
}

function tell(suite: Suite, result: Result): string {
  const line = `${result.failed ? "FAIL" : "ok  "} ${suite.name.padEnd(20)} ${counts(result)}  ${result.seconds.toFixed(1)} s  (lane ${suite.lane})\n`;
  if (!result.failed) return line;
  const why = result.complaint ? `${suite.name} ${result.complaint}\n` : "";
  return `--- ${suite.name}: ${suite.command.join(" ")}\n${result.output}\n${why}${line}`;
}

function counts({ passed, failed, skipped }: { passed: number; failed: number; skipped: number }): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

/** `N passed, N failed`, and how many were skipped if any were. */
export function total(results: readonly Result[]): string {
  const sum = (pick: (result: Result) => number) => results.reduce((all, result) => all + pick(result), 0);
  return counts({
    passed: sum((r) => r.passed),
    failed: sum((r) => r.failed),
    skipped: sum((r) => r.skipped),
  });
}
