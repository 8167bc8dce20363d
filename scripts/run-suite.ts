import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Suite } from "./suites.ts";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}
export interface Result extends Count {
  name: string;
  seconds: number;
  output: string;
  /** Of vitest; none of a gate. */
  tests: Test[];
  /** Why a suite failed that has no failed test: it crashed, hung, or ran too few. */
  complaint?: string;
}
export interface Test {
  /** Its own and those of the groups around it, from the outside. */
  titles: string[];
  isPassed: boolean;
}
export interface Surroundings {
  root: string;
  reports: string;
  env: Record<string, string>;
  limitSeconds: number;
}

const running = new Set<ChildProcess>();

/** Runs one suite and counts it. A crash, a hang or too few tests is a failure, never a silence. */
export async function runSuite(around: Surroundings, suite: Suite): Promise<Result> {
  const report = join(around.reports, `${suite.name.replaceAll(/[^a-z0-9]+/gi, "-")}.json`);
  const reporters =
    suite.tests === "gate" ? [] : ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const started = performance.now();
  const { code, output } = await runCommand(around, [...suite.command, ...reporters]);
  const seconds = (performance.now() - started) / 1000;
  const { tests, ...count } = suite.tests === "gate" ? { tests: [], ...gateCount(code) } : readReport(report);
  const complaint = complain(suite, code, count);
  if (complaint && count.failed === 0) count.failed = 1;
  return { name: suite.name, seconds, output, tests, ...count, ...(complaint ? { complaint } : {}) };
}

/** Ends what this process started, and nothing else. */
export function endRunning(): void {
  for (const child of running) if (child.pid) process.kill(-child.pid, "SIGTERM");
}

function gateCount(code: number): Count {
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { assertionResults: { ancestorTitles: string[]; title: string; status: string }[] }[];
}

function readReport(file: string): Count & { tests: Test[] } {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0, tests: [] };
  const report = JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  const all = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
    tests: all.map(({ ancestorTitles, title, status }) => ({
      titles: [...ancestorTitles, title],
      isPassed: status === "passed",
    })),
  };
}

function complain(suite: Suite, code: number, count: Count): string | undefined {
  if (code === timedOut) return "ran past its time limit and was ended";
  const ran = count.passed + count.failed;
  if (suite.tests !== "gate" && ran < suite.tests.atLeast)
    return `ran ${ran} tests, and must have at least ${suite.tests.atLeast}`;
  if (code !== 0 && count.failed === 0) return `ended with ${code} though no test failed`;
  return undefined;
}

const timedOut = -1;

async function runCommand(
  around: Surroundings,
  [program = "", ...args]: string[],
): Promise<{ code: number; output: string }> {
  // Its own process group, so that ending a hung suite also ends what the suite started.
  const child = spawn(program, args, {
    cwd: around.root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...around.env },
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    if (child.pid) process.kill(-child.pid, "SIGKILL");
  }, around.limitSeconds * 1000);
  const ended = Promise.withResolvers<number>();
  child.once("error", (error) => {
    chunks.push(Buffer.from(`${error.message}\n`));
    ended.resolve(127);
  });
  child.once("close", (code) => ended.resolve(code ?? 1));
  // A process that a suite leaves behind may hold its output open for ever: two seconds for the last lines are enough.
  child.once("exit", (code) => setTimeout(() => ended.resolve(code ?? 1), 2000).unref());
  const code = await ended.promise;
  clearTimeout(limit);
  running.delete(child);
  return { code: isLate ? timedOut : code, output: Buffer.concat(chunks).toString() };
}
