import * as z from "zod";
import { actor } from "./actor.ts";
import { idSchema } from "./ids.ts";
import { pageOf } from "./run.ts";

/** `GET /v1/workspaces/:id/audit`: who did what, newest first. Never a secret, never free text. */
export const auditPage = z.object({
  items: z.array(
    z.object({
      id: idSchema("aud"),
      at: z.iso.datetime(),
      actor,
      action: z.string(),
      target: z.string().nullable(),
      projectId: idSchema("prj").nullable(),
    }),
  ),
  nextCursor: z.string().nullable(),
});
export type AuditPage = z.infer<typeof auditPage>;

/** `GET /v1/projects/:id/usage`: days of UTC that have something, oldest first. */
export const usage = z.object({
  days: z.array(z.object({ date: z.iso.date(), runs: z.int(), tokens: z.int(), costMicroUsd: z.int() })),
});
export type Usage = z.infer<typeof usage>;

/** `GET /v1/workspaces/:id/workers`: those that were seen within a day. */
export const workerPage = pageOf(
  z.object({
    id: idSchema("wrk"),
    name: z.string(),
    version: z.string(),
    concurrency: z.int(),
    runningJobs: z.int(),
    isDraining: z.boolean(),
    isOnline: z.boolean(),
    lastSeenAt: z.iso.datetime(),
  }),
);
export type WorkerPage = z.infer<typeof workerPage>;

/** `GET /v1/workspaces/:id/operations`: how the queue is. */
export const operations = z.object({
  waiting: z.int(),
  parked: z.int(),
  processing: z.int(),
  /** Of the job that has waited longest for a worker; null when none waits. */
  oldestWaitingSeconds: z.number().nullable(),
  /** Jobs that ended in the last hour, and how many of them failed. */
  endedLastHour: z.int(),
  failedLastHour: z.int(),
  workersOnline: z.int(),
});
export type Operations = z.infer<typeof operations>;

/** `POST /v1/instance/{pause,resume}`. */
export const instanceState = z.object({ isPaused: z.boolean() });

const looked = z.object({ ok: z.boolean(), ms: z.int(), reason: z.string().nullable() });
/** `GET /v1/debug`: what the server needs, each tried at this moment. `reason` says why it did not work. */
export const debugAnswer = z.object({
  database: looked,
  session: looked,
  queue: looked,
  sse: looked,
  github: looked,
  model: looked,
});
export type DebugAnswer = z.infer<typeof debugAnswer>;
