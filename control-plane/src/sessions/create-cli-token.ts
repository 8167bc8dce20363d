import type { CreatedKey } from "@feedback-chat/protocol/project";
import { Problem } from "@feedback-chat/protocol/problem";
import { createKey } from "../keys/create-key.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db; newId: () => string };

/**
 * A token of ours for one machine of the person who asks. Only a session may ask: a stolen token makes no other.
 * @throws Problem forbidden
 */
export async function createCliToken(
  { db, newId }: Deps,
  { caller, machine, hasSession }: { caller: Caller; machine: string; hasSession: boolean },
): Promise<CreatedKey> {
  if (caller.kind !== "user" || !hasSession)
    throw new Problem("forbidden", "A CLI token is made by somebody who is logged in to the dashboard.");
  // As the system: such a token belongs to a person, not to a workspace.
  return asSystem(db, (tx) =>
    createKey(tx, { newId }, { kind: "user", userId: caller.userId, name: machine, actor: actorOf(caller) }),
  );
}
