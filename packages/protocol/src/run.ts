import * as z from "zod";
import { actor } from "./actor.ts";
import { idSchema } from "./ids.ts";
import { actions, phases, results, runEvents, stages, waitingForValues } from "./run-machine.ts";

const time = z.iso.datetime();

/** One try to turn an issue into a pull request, as every API answer shows it. */
export const run = z.object({
  id: idSchema("run"),
  projectId: idSchema("prj"),
  jobId: idSchema("job"),
  parentRunId: idSchema("run").nullable(),
  issueNumber: z.int(),
  issueUrl: z.string(),
  triggeredBy: z.string(),
  stage: z.enum(stages),
  phase: z.enum(phases).nullable(),
  waitingFor: z.enum(waitingForValues).nullable(),
  result: z.enum(results).nullable(),
  reason: z.string().nullable(),
  reasonText: z.string().nullable(),
  prNumber: z.int().nullable(),
  prUrl: z.string().nullable(),
  previewUrl: z.string().nullable(),
  attempt: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  costMicroUsd: z.int(),
  startedAt: time,
  completedAt: time.nullable(),
  durationMs: z.int(),
});
export type Run = z.infer<typeof run>;

/** One numbered entry of a run's timeline; `seq` has no gaps. */
export const runEventEntry = z.object({
  seq: z.int(),
  at: time,
  event: z.enum(runEvents),
  fromStage: z.enum(stages),
  stage: z.enum(stages),
  phase: z.enum(phases).nullable(),
  waitingFor: z.enum(waitingForValues).nullable(),
  reason: z.string().nullable(),
  detail: z.string().nullable(),
  attempt: z.int(),
  actor,
});
export type RunEventEntry = z.infer<typeof runEventEntry>;

export const artifactInfo = z.object({ name: z.string(), sha256: z.string(), sizeBytes: z.int() });

/** `GET /v1/runs/:id`. */
export const runDetail = run.extend({
  origin: z.enum(["public", "maintainer"]),
  branch: z.string(),
  issueTitle: z.string(),
  /** The agent's one question. Not released: only the project's people see it, the repository is private. */
  question: z.object({ text: z.string(), answer: z.string().nullable(), isReleased: z.boolean() }).nullable(),
  allowedActions: z.array(z.enum(actions)),
  timeline: z.array(runEventEntry),
  artifacts: z.array(artifactInfo),
});
export type RunDetail = z.infer<typeof runDetail>;

export const logLevels = ["debug", "info", "warn", "error"] as const;
export const logLine = z.object({
  seq: z.int(),
  at: time,
  level: z.enum(logLevels),
  message: z.string(),
});
export type LogLine = z.infer<typeof logLine>;

/** `GET /v1/runs/:id/logs`. `next` is the `after` of the following page, null at the end of what is there. */
export const logPage = z.object({ lines: z.array(logLine), next: z.int().nullable() });
export type LogPage = z.infer<typeof logPage>;

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
export const runPage = pageOf(run);
export type RunPage = z.infer<typeof runPage>;

/** `POST /api/runs/:projectId/:runId/action`. */
export const actionRequest = z.strictObject({
  action: z.enum(actions),
  comment: z.string().max(8_000).optional(),
  expectedStage: z.enum(stages).optional(),
});
export type ActionRequest = z.infer<typeof actionRequest>;

export const actionAnswer = z.object({ run, jobId: idSchema("job").optional() });
export type ActionAnswer = z.infer<typeof actionAnswer>;

/**
 * Data of the run's SSE stream: `event:` is the type, `id:` the seq of the run's stream.
 * `log` messages carry the lines themselves, so that a follower needs no second request.
 */
export const runStreamMessages = {
  stage: runEventEntry,
  log: logLine,
  cost: z.object({ costMicroUsd: z.int(), inputTokens: z.int(), outputTokens: z.int() }),
  end: z.object({ stage: z.enum(stages), reason: z.string().nullable() }),
  reset: z.object({ reason: z.string() }),
} as const;
export type RunStreamType = keyof typeof runStreamMessages;
