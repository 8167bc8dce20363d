import { checkMachine, unfitMachine } from "../check-machine.ts";
import { composeMachine } from "../compose-machine.ts";
import type { WorkerConfig } from "../config.ts";
import { openHttpCoordinator } from "../coordinators/http.ts";
import { createUnsealKey } from "../coordinators/unseal-credential.ts";
import { type EventLog, errorFields } from "../platform/event-log.ts";
import { createHttpClient } from "../platform/http-client.ts";
import { newUuid } from "../platform/new-id.ts";
import { makeOwnedFolder, sweepOwnedFolders } from "../platform/owned-folder.ts";
import { packageVersion } from "../platform/package-version.ts";
import { createReachGate } from "../platform/reach-gate.ts";
import { systemClock } from "../platform/system-clock.ts";
import { tellOutage } from "../platform/tell-outage.ts";
import { startHealthServer } from "./health-server.ts";
import { runJobOn } from "./run-job-on.ts";
import { type WorkerExit, runWorker } from "./run-worker.ts";
import { rm } from "node:fs/promises";
import { join } from "node:path";

export type Worker = {
  /** Resolves when the worker has ended; no child of it is left. Throws only bugs. */
  done: Promise<WorkerExit>;
  /** First signal: claims no more, lets running jobs end. */
  drain(): void;
  /** Second signal: gives running jobs back at once. */
  release(): void;
  /** Of `/healthz` and `/metrics` on loopback, once it listens; null without one. */
  healthPort: Promise<number | null>;
};
export type { WorkerExit } from "./run-worker.ts";
export { parseWorkerConfig, type WorkerConfig } from "../config.ts";

/**
 * A worker of this machine, put together from the real parts: bubblewrap, Claude Code, the model proxy, git, GitHub.
 * @example const worker = startWorker({ config: parseWorkerConfig(environment), log });
 *          process.exitCode = (await worker.done).exitCode;
 */
export function startWorker({ config, log }: { config: WorkerConfig; log: EventLog }): Worker {
  const stopping = { drain: new AbortController(), release: new AbortController() };
  const healthPort = Promise.withResolvers<number | null>();
  return {
    done: work({ config, log, stopping, onHealthPort: healthPort.resolve }),
    drain: () => stopping.drain.abort(),
    release: () => stopping.release.abort(),
    healthPort: healthPort.promise,
  };
}

type Parts = {
  config: WorkerConfig;
  log: EventLog;
  stopping: { drain: AbortController; release: AbortController };
  onHealthPort(port: number | null): void;
};

/** Before anything is made, such as a folder on a machine where no run could end well. */
async function work(parts: Parts): Promise<WorkerExit> {
  const unfit = unfitMachine(await checkMachine(parts.config));
  if (!unfit) return workHere(parts);
  parts.onHealthPort(null);
  return { exitCode: 78, reason: unfit.message, problem: unfit };
}

async function workHere({ config, log, stopping, onHealthPort }: Parts): Promise<WorkerExit> {
  const clock = systemClock();
  const { figures, localCredentials } = config;
  await using machine = await composeMachine({ clock }, config);
  const unsealKey = await createUnsealKey();
  const ownFolder = await makeOwnedFolder(join(config.dataFolder, "runs"), newUuid());
  let running = () => 0;
  const gate = createReachGate(
    { clock, random: Math.random },
    // With a lease in hand a worker has to be back before it runs out; idle it may take its time.
    {
      firstMs: figures.renewEverySeconds * 110,
      longestMs: () => figures.renewEverySeconds * (running() > 0 ? 200 : 1_000),
    },
  );
  const http = createHttpClient(
    { clock, gate, outage: tellOutage({ clock, log }) },
    {
      baseUrl: config.controlPlaneUrl,
      workerKey: config.workerKey,
      version: packageVersion,
      connectSeconds: 5,
      totalSeconds: 30,
      httpProxies: config.httpProxies,
    },
  );
  const onLogError = (error: unknown) => log("warn", "job.log_not_sent", errorFields(error));
  const worker = runWorker(
    {
      clock,
      http,
      newUuid,
      log,
      openCoordinator: (lease, lost) =>
        openHttpCoordinator(
          { http, clock, newUuid, unsealKey, localCredentials, onLogError },
          {
            lease,
            lost,
            spoolFolder: join(ownFolder, "spool"),
            flushMs: figures.logFlushSeconds * 1_000,
          },
        ),
      runJob: runJobOn({ machine, clock, ownFolder }),
      selfTest: () => machine.selfTest(),
      sweep: async () => {
        const { removed } = await machine.sandbox.sweep();
        const folders = await sweepOwnedFolders(join(config.dataFolder, "runs"));
        if (removed.length + folders.length > 0)
          log("info", "worker.swept", { removed: removed.length + folders.length });
      },
    },
    {
      ...config,
      version: packageVersion,
      engines: machine.engineIds,
      publicKey: unsealKey.publicKey,
    },
  );
  running = () => worker.counts().running;
  follow(stopping.drain.signal, worker.drain);
  follow(stopping.release.signal, worker.release);
  try {
    await using health = config.healthPort === null ? null : await startHealthServer(worker.counts, config.healthPort);
    if (health) log("info", "worker.health_listens", { port: health.port });
    onHealthPort(health?.port ?? null);
    return await worker.done;
  } finally {
    onHealthPort(null);
    await http.close();
    await rm(ownFolder, { recursive: true, force: true });
  }
}

function follow(signal: AbortSignal, act: () => void): void {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
}
