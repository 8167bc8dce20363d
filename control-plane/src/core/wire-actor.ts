import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf, type IdPrefix } from "@feedback-chat/protocol/ids";

/** What the id of each kind of actor names; a worker acts by its key. */
const named: Partial<Record<Actor["kind"], IdPrefix>> = { user: "usr", key: "key", worker: "key", reporter: "fb" };

/** An actor as it crosses the border: stored with a bare uuid, told with the id that every other answer has. */
export function wireActor(stored: Actor): Actor {
  const prefix = named[stored.kind];
  return stored.id === null || prefix === undefined ? stored : { ...stored, id: idOf(prefix, stored.id) };
}
