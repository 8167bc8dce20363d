import { createHash } from "node:crypto";
import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { deliveryMeaning } from "../core/delivery-meaning.ts";
import { eventHandlers, ignore, type Outcome } from "./event-handlers.ts";
import { type HookedProject, isOfProject, noteRepository } from "./find-project.ts";
import { decodeBody, type Envelope, envelope, readPayload } from "./payload.ts";
import { type Delivery, storeDelivery, type Way } from "./store-delivery.ts";

type Deps = { newId: () => string };
export type Arrived = {
  guid: string;
  event: string;
  contentType: string;
  bytes: Buffer;
  isReplayed: boolean;
  way: Way;
};

/**
 * Stores a delivery that was proven, and does what it means, in the caller's transaction.
 * @throws Problem bad_payload
 */
export async function takeDelivery(
  tx: Tx,
  deps: Deps,
  project: HookedProject,
  { guid, event, contentType, bytes, isReplayed, way }: Arrived,
): Promise<Outcome> {
  const raw = decodeBody(bytes, contentType);
  const shared = readPayload(envelope, raw);
  const delivery: Delivery = {
    projectId: project.id,
    guid,
    event,
    action: shared.action ?? null,
    bodySha256: createHash("sha256").update(bytes).digest(),
    way,
    meaning: meaningOf(event, raw),
    issue: null,
    body: null,
    isReplayed,
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

/** Stored as a hash: nothing of an ignored delivery is kept but that it came. */
function meaningOf(event: string, raw: unknown): Buffer | null {
  const meaning = deliveryMeaning(event, raw);
  return meaning === null ? null : createHash("sha256").update(meaning).digest();
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
