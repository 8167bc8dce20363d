import { evidence } from "@feedback-chat/protocol/evidence";
import { logLevels } from "@feedback-chat/protocol/run";
import { phases, runEvents, stages } from "@feedback-chat/protocol/run-machine";
import * as z from "zod";

/** Since the demo began. */
const atMs = z.int().nonnegative();
/** What the run did, when a moment tells of that; null for what stands around it. */
const runEvent = z.object({ event: z.enum(runEvents), stage: z.enum(stages), phase: z.enum(phases).nullable() });

/** What the demo tells, one after another: a line of `--json` each, and what a recording is made of. */
export const demoMoment = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("demo.step"),
    step: z.string(),
    text: z.string(),
    run: runEvent.nullable(),
    atMs,
    stepMs: z.int().nonnegative(),
  }),
  z.object({ type: z.literal("demo.event"), ...runEvent.shape, atMs }),
  z.object({ type: z.literal("demo.log"), level: z.enum(logLevels), message: z.string(), atMs }),
  z.object({ type: z.literal("demo.cost"), costMicroUsd: z.int().nonnegative(), atMs }),
  z.object({ type: z.literal("demo.held"), evidence, diff: z.string(), atMs }),
  z.object({ type: z.literal("demo.diff"), title: z.string(), diff: z.string(), atMs }),
  z.object({ type: z.literal("demo.pull_request"), number: z.int(), title: z.string(), body: z.string(), atMs }),
  z.object({
    type: z.literal("demo.result"),
    ok: z.boolean(),
    stage: z.enum(stages),
    reason: z.string().nullish(),
    pullRequestUrl: z.string().nullable(),
    branch: z.string(),
    runId: z.string(),
    costMicroUsd: z.int().nonnegative(),
    totalMs: z.int().nonnegative(),
    withoutModelMs: z.int().nonnegative(),
    /** Null in a recording: that repository is gone. */
    gitDir: z.string().nullable(),
  }),
]);
export type DemoMoment = z.infer<typeof demoMoment>;
export type DemoResult = Omit<Extract<DemoMoment, { type: "demo.result" }>, "type">;

/** A real run of the demo, as it was told. `scripts/record-demo.ts` writes it. */
export const demoRecording = z.object({
  schemaVersion: z.literal(1),
  recordedAt: z.iso.datetime(),
  /** Of feedback-chat. */
  version: z.string(),
  moments: z.array(demoMoment),
});
export type DemoRecording = z.infer<typeof demoRecording>;
