import { isProblem, type Problem } from "@feedback-chat/protocol/problem";
import { registerAnswer } from "@feedback-chat/protocol/worker";
import type { WorkerConfig } from "../config.ts";
import { exitCodeOfEnd, type PipelineEnd } from "../pipeline-end.ts";
import { errorFields } from "../platform/event-log.ts";
import { claimJob } from "./claim-job.ts";
import { executeJob, type ExecuteDeps } from "./execute-job.ts";
import type { WorkerCounts } from "./health-server.ts";

/** 0 drained or nothing to do, 1 and 8 the outcome of `--once`, 75 try later, 78 will not heal. */
export type WorkerExit = { exitCode: 0 | 1 | 8 | 75 | 78; reason: string; problem?: Problem };

export type WorkerDeps = Omit<ExecuteDeps, "onDrain" | "onProblem"> & {
  /** @throws Problem sandbox_unavailable, sandbox_leaks: no job is taken. */
  selfTest(): Promise<{ sandbox: string }>;
  /** Ends and removes what an earlier process of this worker left behind. */
  sweep(): Promise<void>;
};

export type WorkerSettings = Pick<
  WorkerConfig,
  "name" | "concurrency" | "isOnce" | "figures" | "localCredentials" | "drainTimeoutSeconds"
> & {
  /** X25519, raw, base64url: the project's credentials are sealed to it. */
  publicKey: string;
  version: string;
  engines: string[];
};

export type WorkerHandle = {
  done: Promise<WorkerExit>;
  /** Claims no more; what runs goes on and is renewed. */
  drain(): void;
  /** Gives the jobs back now. */
  release(): void;
  counts(): WorkerCounts;
};

/** Of `--once`, for a control plane that is gone. */
const patienceMs = 30_000;

/** Self-test, register, then claim and run until drained: a loop per slot. */
export function runWorker(deps: WorkerDeps, settings: WorkerSettings): WorkerHandle {
  const { clock, http, log } = deps;
  const draining = new AbortController();
  const releasing = new AbortController();
  const finished = new AbortController();
  const counts: WorkerCounts = {
    running: 0,
    claimed: 0,
    ends: {},
    isDraining: false,
    isSelfTestPassed: false,
  };
  let fatal: Problem | undefined;
  let lastEnd: PipelineEnd | undefined;

  const drain = () => {
    if (draining.signal.aborted) return;
    counts.isDraining = true;
    log("info", "worker.draining", { running: counts.running });
    draining.abort();
    void clock
      .wait(settings.drainTimeoutSeconds * 1000, finished.signal)
      .then(() => finished.signal.aborted || release());
  };
  const release = () => {
    drain();
    if (!releasing.signal.aborted) log("info", "worker.releasing", { running: counts.running });
    releasing.abort();
  };
  /** What will not heal by waiting ends the worker, after the jobs that still may go on. */
  const onProblem = (error: unknown) => {
    if (!isFatal(error)) return log("warn", "worker.problem", errorFields(error));
    fatal ??= error;
    log("error", "worker.will_not_heal", errorFields(error));
    drain();
  };

  return { done: work().finally(() => finished.abort()), drain, release, counts: () => counts };

  async function work(): Promise<WorkerExit> {
    try {
      const { sandbox } = await deps.selfTest();
      counts.isSelfTestPassed = true;
      await deps.sweep();
      const workerId = await register(sandbox);
      log("info", "worker.registered", { workerId, sandbox, concurrency: settings.concurrency });
      const testing = testAgainAndAgain();
      testing.catch(drain); // no lease while nobody knows whether the walls hold; thrown again below
      await Promise.all(
        Array.from({ length: settings.isOnce ? 1 : settings.concurrency }, (_, slot) => workSlot(workerId, slot)),
      );
      finished.abort();
      await testing;
    } catch (error) {
      if (isFatal(error)) fatal ??= error;
      else if (isProblem(error)) return { exitCode: 75, reason: error.message, problem: error };
      else throw error;
    }
    if (fatal) return { exitCode: 78, reason: fatal.message, problem: fatal };
    if (settings.isOnce && lastEnd)
      return { exitCode: exitCodeOfEnd(lastEnd), reason: `the job ended: ${lastEnd.kind}` };
    return { exitCode: 0, reason: settings.isOnce ? "no job waits" : "drained" };
  }

  async function register(sandbox: string): Promise<string> {
    const patience = settings.isOnce ? [AbortSignal.timeout(patienceMs)] : [];
    const { workerId } = await http.call({
      method: "POST",
      path: "/v1/workers",
      body: {
        name: settings.name,
        version: settings.version,
        capabilities: {
          engines: settings.engines,
          sandbox,
          localCredentials: kindsOf(settings.localCredentials),
        },
        publicKey: settings.publicKey,
        concurrency: settings.concurrency,
      },
      answer: registerAnswer,
      waitSeconds: 0, // a far end that only listens is told of after 10 seconds, not 30
      signal: AbortSignal.any([draining.signal, ...patience]),
    });
    return workerId;
  }

  async function workSlot(workerId: string, slot: number): Promise<void> {
    while (!draining.signal.aborted) {
      const claimed = await claimOrExplain(workerId);
      if (claimed.drain) drain();
      if (claimed.lease) {
        counts.claimed += 1;
        counts.running += 1;
        // A lease that came while we drained goes straight back.
        const giveBack = draining.signal.aborted ? AbortSignal.abort() : releasing.signal;
        lastEnd = await executeJob({ ...deps, onDrain: drain, onProblem }, settings.figures, {
          lease: claimed.lease,
          slot,
          releasing: giveBack,
        });
        counts.running -= 1;
        counts.ends[lastEnd.kind] = (counts.ends[lastEnd.kind] ?? 0) + 1;
      }
      if (settings.isOnce) return;
    }
  }

  async function claimOrExplain(workerId: string): ReturnType<typeof claimJob> {
    try {
      const waitSeconds = settings.isOnce ? 0 : Math.min(50, settings.figures.claimWaitSeconds);
      const patience = settings.isOnce ? AbortSignal.timeout(patienceMs) : draining.signal;
      return await claimJob(deps, { workerId, waitSeconds, draining: draining.signal, patience });
    } catch (error) {
      if (!isFatal(error)) throw error;
      onProblem(error);
      return { lease: null, drain: true };
    }
  }

  async function testAgainAndAgain(): Promise<void> {
    for (;;) {
      await clock.wait(settings.figures.selfTestEverySeconds * 1_000, finished.signal);
      if (finished.signal.aborted) return;
      try {
        await deps.selfTest();
      } catch (error) {
        counts.isSelfTestPassed = false;
        if (!isFatal(error)) throw error;
        onProblem(error);
      }
    }
  }
}

const fatalCodes = [
  "unauthenticated",
  "key_expired",
  "forbidden",
  "not_found",
  "upgrade_required",
  "machine_unfit",
  "sandbox_unavailable",
  "sandbox_leaks",
  "engine_missing",
  "credential_in_url",
] as const;

function isFatal(error: unknown): error is Problem {
  return fatalCodes.some((code) => isProblem(error, code));
}

function kindsOf(local: WorkerSettings["localCredentials"]): string[] {
  return [...new Set(Object.values(local).map(({ type }) => type))];
}
