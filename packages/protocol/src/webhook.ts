import * as z from "zod";
import { idSchema } from "./ids.ts";
import { pageOf } from "./run.ts";

/** Answers of `POST /api/webhook/:projectId`. 202 with `queued`, otherwise 200. */
export const webhookAnswer = z.discriminatedUnion("status", [
  z.object({ status: z.literal("queued"), jobId: idSchema("job"), runId: idSchema("run") }),
  z.object({ status: z.literal("already_queued"), reason: z.string().optional() }),
  z.object({ status: z.literal("duplicate"), reason: z.string().optional() }),
  z.object({ status: z.literal("ignored"), reason: z.string().optional() }),
  z.object({ status: z.literal("pong") }),
]);
export type WebhookAnswer = z.infer<typeof webhookAnswer>;

/** One delivery of GitHub. `canReplay`: its body is still kept. */
export const webhookEvent = z.object({
  id: idSchema("whe"),
  guid: z.string(),
  event: z.string(),
  action: z.string().nullable(),
  issueNumber: z.int().nullable(),
  status: z.enum(["queued", "already_queued", "duplicate", "ignored", "pong", "handled"]),
  reason: z.string().nullable(),
  canReplay: z.boolean(),
  receivedAt: z.iso.datetime(),
});
export const webhookEventPage = pageOf(webhookEvent);

/** `POST /v1/projects/:id/reconcile`: what was found that webhooks had not brought. */
export const reconcileAnswer = z.object({
  /** Without, only open labelled issues are looked for. */
  hasHookRights: z.boolean(),
  redelivered: z.int(),
  runs: z.int(),
  /** Why GitHub could not be asked for all of it. */
  trouble: z.string().nullable(),
});
export type ReconcileAnswer = z.infer<typeof reconcileAnswer>;
