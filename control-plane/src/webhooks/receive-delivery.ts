import { Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { webhookSecretsOf } from "../projects/webhook-secrets.ts";
import { findProject } from "./find-project.ts";
import { takeDelivery } from "./take-delivery.ts";
import { toWebhookAnswer } from "./to-webhook-answer.ts";
import { isSignedBy } from "./verify-signature.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Incoming = {
  /** Null when the address names nothing that could be a project. */
  projectId: string | null;
  bytes: Buffer;
  header(name: string): string | undefined;
};

/**
 * Takes one delivery of GitHub: proves it by its signature, stores it once, and does what it means, all in one
 * transaction. Answer only after it: GitHub never sends again by itself.
 * @throws Problem bad_signature (an unknown project gives the same), bad_payload, rate_limited
 */
export async function receiveDelivery(deps: Deps, incoming: Incoming): Promise<WebhookAnswer> {
  const { projectId, bytes, header } = incoming;
  const signature = header("x-hub-signature-256");
  if (projectId === null) {
    isSignedBy([], bytes, signature);
    throw badSignature();
  }
  const outcome = await asProject(deps.db, projectId, async (tx) => {
    const project = await findProject(tx, projectId);
    const secrets = project ? webhookSecretsOf(deps, project) : [];
    if (!isSignedBy(secrets, bytes, signature) || !project) throw badSignature();
    await takeTurn(tx, `webhooks:${projectId}`, deps.config.limits.webhooksPerMinute);
    const guid = header("x-github-delivery") ?? "";
    const event = header("x-github-event") ?? "";
    if (!/^[\w-]{1,100}$/.test(guid) || !/^\w{1,60}$/.test(event))
      throw new Problem("bad_payload", "X-GitHub-Delivery or X-GitHub-Event is missing.");
    const contentType = header("content-type") ?? "";
    return takeDelivery(tx, deps, project, { guid, event, contentType, bytes, isReplayed: false, way: "project" });
  });
  return toWebhookAnswer(outcome);
}

function badSignature(): Problem {
  return new Problem("bad_signature", "The request is not signed with this project's webhook secret.");
}
