import { isProblem, problems, type Problem } from "@feedback-chat/protocol/problem";
import { workerConfigOfProcess } from "../config.ts";
import { ndjsonLog } from "../platform/event-log.ts";
import { startWorker } from "./start-worker.ts";

/**
 * A worker as a process of its own: environment in, NDJSON events on stdout, exit code out. The first SIGTERM or
 * SIGINT drains, the second gives the jobs back.
 */
async function main(): Promise<number> {
  const log = ndjsonLog({ now: () => new Date(), write: (line) => process.stdout.write(line) });
  try {
    const worker = startWorker({ config: workerConfigOfProcess(), log });
    let signals = 0;
    const onSignal = () => ((signals += 1) === 1 ? worker.drain() : worker.release());
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, onSignal);
    const exit = await worker.done;
    log(exit.exitCode === 0 ? "info" : "error", "worker.ended", {
      exitCode: exit.exitCode,
      reason: exit.reason,
      ...nextOf(exit.problem),
    });
    return exit.exitCode;
  } catch (error) {
    if (!isProblem(error)) throw error;
    log("error", "worker.ended", { exitCode: 78, reason: error.message, ...nextOf(error) });
    return problems[error.code].exitCode === 2 ? 2 : 78;
  }
}

function nextOf(problem: Problem | undefined): { code?: string; next?: string } {
  return problem ? { code: problem.code, next: problem.next } : {};
}

process.exitCode = await main();
