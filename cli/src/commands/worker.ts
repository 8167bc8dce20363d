import type { CommandContext, CommandRun } from "../command.ts";
import { wholeNumber } from "../core/whole-number.ts";
import { findEngineFor } from "../platform/find-engine.ts";
import { findPart } from "../platform/find-part.ts";

type Flags = {
  once?: boolean;
  concurrency: string;
  name?: string;
  healthPort?: string;
  drainTimeout: string;
  offline?: boolean;
};
type WorkerEntry = typeof import("@feedback-chat/agent/worker");

/** Ctrl-C or SIGTERM drains; a second one gives the jobs back now. What it logs is data: one JSON line per event. */
const worker: CommandRun<Flags> = async (context, flags) => {
  const isOffline = flags.offline ?? false;
  const part = await findPart(context, "@feedback-chat/agent", isOffline);
  const { parseWorkerConfig, startWorker } = await part.load<WorkerEntry>("worker");
  // What is wrong with the settings is said before anything is fetched.
  const settings = environmentOf(context, flags);
  parseWorkerConfig(settings);
  const config = parseWorkerConfig({
    ...settings,
    ...(await findEngineFor(context, part, isOffline)),
  });
  const log = (level: string, event: string, fields: Record<string, unknown> = {}) =>
    context.terminal.data(`${JSON.stringify({ at: new Date().toISOString(), level, event, ...fields })}\n`);
  const started = startWorker({ config, log });
  if (context.signal.aborted) started.drain();
  context.signal.addEventListener("abort", () => started.drain(), { once: true });
  context.onSecondSignal(() => started.release());
  // Our starter holds the other end of stdin: it closes even when that process was killed, and no orphan stays.
  if (context.config.stopsWithStdin) process.stdin.once("end", () => started.release()).resume();
  const { exitCode, reason, problem } = await started.done;
  log(exitCode === 0 ? "info" : "error", "worker.ended", {
    exitCode,
    reason,
    ...(problem ? { code: problem.code, next: problem.next } : {}),
  });
  if (exitCode !== 0) context.terminal.say(`${reason}${problem ? `\n${problem.next}` : ""}`);
  return exitCode;
};
export default worker;

function environmentOf({ config, flags: global }: CommandContext, flags: Flags): Record<string, string | undefined> {
  return {
    ...config.all,
    FEEDBACK_CHAT_URL: global.url ?? config.url,
    FEEDBACK_CHAT_WORKER_KEY: config.workerKey,
    FEEDBACK_CHAT_ONCE: flags.once ? "1" : "",
    FEEDBACK_CHAT_CONCURRENCY: String(wholeNumber("--concurrency", flags.concurrency, [1, 64])),
    FEEDBACK_CHAT_DRAIN_TIMEOUT_SECONDS: String(
      60 * wholeNumber("--drain-timeout", flags.drainTimeout.replace(/m$/, ""), [1, 1_440]),
    ),
    ...(flags.name ? { FEEDBACK_CHAT_WORKER_NAME: flags.name } : {}),
    ...(flags.healthPort
      ? { FEEDBACK_CHAT_HEALTH_PORT: String(wholeNumber("--health-port", flags.healthPort, [0, 65_535])) }
      : {}),
  };
}
