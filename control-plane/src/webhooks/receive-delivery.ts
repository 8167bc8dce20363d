import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { refuseUntil } from "../platform/take-turn.ts";
import { webhookSecretsOf } from "../projects/webhook-secrets.ts";
import { admitSender } from "./admit-sender.ts";
import type { Outcome } from "./event-handlers.ts";
import { countForger, refuseForgers } from "./refuse-forgers.ts";
import { takeDelivery } from "./take-delivery.ts";
import { toWebhookAnswer } from "./to-webhook-answer.ts";
import { isSignedBy } from "./verify-signature.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Incoming = {
  /** Null when the address names nothing that could be a project. */
  projectId: string | null;
  /** Of the connection that it came by. */
  address: string;
  bytes: Buffer;
  header(name: string): string | undefined;
};

/**
 * Takes one delivery of GitHub: proves it by its signature, stores it once, and does what it means, all in one
 * transaction of three statements. Answer only after it: GitHub never sends again by itself.
 * @throws Problem bad_signature (an unknown project gives the same), bad_payload, rate_limited
 */
export async function receiveDelivery(deps: Deps, incoming: Incoming): Promise<WebhookAnswer> {
  const { projectId, address, bytes, header } = incoming;
  const sender = { address, about: { projectId } };
  if (projectId === null)
    return refuseForgers(deps, sender, async () => {
      isSignedBy([], bytes, header("x-hub-signature-256"));
      throw badSignature();
    });
  try {
    return toWebhookAnswer(await take(deps, { ...incoming, projectId }));
  } catch (error) {
    // After the transaction, which a bad signature undid.
    if (isProblem(error, "bad_signature")) await countForger(deps, sender);
    throw error;
  }
}

function take(deps: Deps, { projectId, address, bytes, header }: Incoming & { projectId: string }): Promise<Outcome> {
  return asProject(deps.db, projectId, async (tx) => {
    const { project, forgerSeconds, turnSeconds } = await admitSender(tx, deps, { projectId, address });
    refuseUntil(forgerSeconds);
    const secrets = project ? webhookSecretsOf(deps, project) : [];
    if (!isSignedBy(secrets, bytes, header("x-hub-signature-256")) || !project) throw badSignature();
    refuseUntil(turnSeconds);
    const guid = header("x-github-delivery") ?? "";
    const event = header("x-github-event") ?? "";
    if (!/^[\w-]{1,100}$/.test(guid) || !/^\w{1,60}$/.test(event))
      throw new Problem("bad_payload", "X-GitHub-Delivery or X-GitHub-Event is missing.");
    const contentType = header("content-type") ?? "";
    return takeDelivery(tx, deps, project, { guid, event, contentType, bytes, isReplayed: false, way: "project" });
  });
}

function badSignature(): Problem {
  return new Problem("bad_signature", "The request is not signed with this project's webhook secret.");
}
