import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { findProject } from "./find-project.ts";
import { takeDelivery } from "./take-delivery.ts";
import { toWebhookAnswer } from "./to-webhook-answer.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; workspaceId: string; projectId: string; eventId: string };
type Row = { guid: string; event: string; body: Buffer | null };

/**
 * Takes a stored delivery again, as if it came now. What it may start is judged as ever: an issue with an open run
 * gets no second one, and an event that is not newer than the last run's starts none.
 * @throws Problem not_found, conflict (its body is not kept)
 */
export async function replayDelivery(deps: Deps, input: Input): Promise<WebhookAnswer> {
  const { caller, workspaceId, projectId, eventId } = input;
  const outcome = await asProject(deps.db, projectId, async (tx) => {
    const project = await findProject(tx, projectId);
    const { rows } = await sql<Row>`
      select guid, event, body from fc.webhook_events where id = ${eventId} and project_id = ${projectId}`.execute(tx);
    const [stored] = rows;
    if (!project || !stored) throw new Problem("not_found", "There is no such webhook event.");
    if (!stored.body)
      throw new Problem("conflict", "The body of this event is not kept: it was ignored, or is older than 30 days.", {
        next: "Redeliver it in the webhook's settings on GitHub, or reconcile the project.",
      });
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "webhook_event.replayed", target: idOf("whe", eventId),
    }); // prettier-ignore
    const bytes = Buffer.from(stored.body);
    return takeDelivery(tx, deps, project, {
      ...stored,
      bytes,
      contentType: typeOf(bytes),
      isReplayed: true,
      way: "project",
    });
  });
  return toWebhookAnswer(outcome);
}

/** GitHub sends JSON, or a form of the one field `payload`: no JSON begins like that. */
function typeOf(bytes: Buffer): string {
  return bytes.subarray(0, 8).toString("latin1") === "payload="
    ? "application/x-www-form-urlencoded"
    : "application/json";
}
