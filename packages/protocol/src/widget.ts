import * as z from "zod";
import { stages, waitingForValues } from "./run-machine.ts";

/** `GET /api/agent/:projectId/health`, the shape that the widget has always read, and what was added. */
export const agentHealth = z.object({
  status: z.literal("ok"),
  /** Issue number of the oldest job being worked on. */
  currentJob: z.int().nullable(),
  queueLength: z.int(),
  currentJobs: z.array(z.int()),
  workersOnline: z.int(),
});
export type AgentHealth = z.infer<typeof agentHealth>;

/** What the widget shows of one issue. */
export const widgetStatus = z.object({
  stage: z.enum(stages),
  waitingFor: z.enum(waitingForValues).nullable(),
  issueNumber: z.int(),
  issueUrl: z.string(),
  prNumber: z.int().nullable(),
  prUrl: z.string().nullable(),
  previewUrl: z.string().nullable(),
  failReason: z.string().nullable(),
  activity: z.array(z.object({ at: z.iso.datetime(), text: z.string() })),
});
export type WidgetStatus = z.infer<typeof widgetStatus>;
