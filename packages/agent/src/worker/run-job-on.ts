import type { Machine } from "../compose-machine.ts";
import { runPipeline } from "../pipeline.ts";
import type { systemClock } from "../platform/system-clock.ts";
import type { RunJob } from "./execute-job.ts";
import type { Lease } from "@feedback-chat/protocol/worker";
import { rm } from "node:fs/promises";
import { join } from "node:path";

type RunDeps = { machine: Machine; clock: ReturnType<typeof systemClock>; ownFolder: string };

export function runJobOn({ machine, clock, ownFolder }: RunDeps): RunJob {
  return async ({ lease, slot, coordinator, signal }) => {
    const { cacheFolder, ...parts } = machine;
    const runFolder = join(ownFolder, folderOf(lease));
    const engine = machine.engineFor(lease.job.settings);
    try {
      return await runPipeline(
        { ...parts, coordinator, engine, clock, signal },
        { ...lease, slot, cacheFolder, runFolder },
      );
    } finally {
      await rm(runFolder, { recursive: true, force: true });
    }
  };
}

function folderOf({ jobId, attempt }: Lease): string {
  return `${jobId}-${attempt}`;
}
