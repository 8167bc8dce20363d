import * as z from "zod";
import { idSchema } from "./ids.ts";

/** Answers of `POST /api/webhook/:projectId`. 202 with `queued`, otherwise 200. */
export const webhookAnswer = z.discriminatedUnion("status", [
  z.object({ status: z.literal("queued"), jobId: idSchema("job"), runId: idSchema("run") }),
  z.object({ status: z.literal("already_queued"), reason: z.string().optional() }),
  z.object({ status: z.literal("duplicate"), reason: z.string().optional() }),
  z.object({ status: z.literal("ignored"), reason: z.string().optional() }),
  z.object({ status: z.literal("pong") }),
]);
export type WebhookAnswer = z.infer<typeof webhookAnswer>;
