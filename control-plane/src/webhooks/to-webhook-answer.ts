import { idOf } from "@feedback-chat/protocol/ids";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import type { Outcome } from "./event-handlers.ts";

/** What GitHub, or who replays a delivery, is told of it. */
export function toWebhookAnswer(outcome: Outcome): WebhookAnswer {
  if (outcome.status === "queued")
    return { status: "queued", jobId: idOf("job", outcome.jobId), runId: idOf("run", outcome.runId) };
  if (outcome.status === "pong") return outcome;
  const { status, reason } = outcome;
  return { status: status === "handled" ? "ignored" : status, reason };
}
