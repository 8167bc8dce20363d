import { createHash } from "node:crypto";
import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { webhookSecretsOf } from "../projects/webhook-secrets.ts";
import { eventHandlers, ignore, type Outcome } from "./event-handlers.ts";
import { findProject, type HookedProject, isOfProject, noteRepository } from "./find-project.ts";
import { decodeBody, type Envelope, envelope, readPayload } from "./payload.ts";
import { type Delivery, storeDelivery } from "./store-delivery.ts";
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
    return take(tx, deps, project, incoming);
  });
  if (outcome.status === "queued")
    return {
      status: "queued",
      jobId: idOf("job", outcome.jobId),
      runId: idOf("run", outcome.runId),
    };
  if (outcome.status === "pong") return outcome;
  const { status, reason } = outcome;
  return { status: status === "handled" ? "ignored" : status, reason };
}

async function take(tx: Tx, deps: Deps, project: HookedProject, { bytes, header }: Incoming): Promise<Outcome> {
  const guid = header("x-github-delivery") ?? "";
  const event = header("x-github-event") ?? "";
  if (!/^[\w-]{1,100}$/.test(guid) || !/^\w{1,60}$/.test(event))
    throw new Problem("bad_payload", "X-GitHub-Delivery or X-GitHub-Event is missing.");
  const raw = decodeBody(bytes, header("content-type") ?? "");
  const shared = readPayload(envelope, raw);
  const delivery: Delivery = {
    projectId: project.id,
    guid,
    event,
    action: shared.action ?? null,
    bodySha256: createHash("sha256").update(bytes).digest(),
    issue: null,
    body: null,
  };
  const login = shared.sender?.login;
  const actor: Actor = { kind: "github", id: null, ...(login ? { login } : {}) };
  const handle = Object.hasOwn(eventHandlers, event) ? eventHandlers[event] : undefined;
  if (event === "ping") return pong(tx, deps, delivery);
  const why = handle ? notOurs(project, shared) : `the event ${event} starts nothing`;
  if (!handle || why) return ignore(tx, deps, delivery, why ?? "");
  const outcome = await handle(tx, deps, { project, delivery: { ...delivery, body: bytes }, raw, actor });
  // After the event, which may lock a job: the project is locked last.
  if (shared.repository) await noteRepository(tx, project, shared.repository);
  return outcome;
}

async function pong(tx: Tx, deps: Deps, delivery: Delivery): Promise<Outcome> {
  await storeDelivery(tx, deps, delivery, "pong");
  await sql`update fc.projects set webhook_verified_at = now() where id = ${delivery.projectId}`.execute(tx);
  return { status: "pong" };
}

function notOurs(project: HookedProject, { repository }: Envelope): string | null {
  if (!repository) return "it names no repository";
  return isOfProject(project, repository) ? null : "it is of another repository";
}

function badSignature(): Problem {
  return new Problem("bad_signature", "The request is not signed with this project's webhook secret.");
}
