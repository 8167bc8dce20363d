import { uuidOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { type Caller, hasRole, type Role } from "../platform/caller.ts";

/**
 * The workspace that a request without one in its path is about: the one that it names, else the caller's first.
 * @throws Problem not_found, forbidden
 */
export function workspaceFor(caller: Caller, named: string | undefined, least: Role): string {
  if (caller.kind !== "user") throw new Problem("forbidden", "This needs a person.");
  const workspaceId = named ? uuidOf("ws", named) : Object.keys(caller.roles).toSorted()[0];
  const held = workspaceId ? caller.roles[workspaceId] : undefined;
  if (!workspaceId || !held) throw new Problem("not_found", "There is nothing with this id that you could see.");
  if (!hasRole(held, least)) throw new Problem("forbidden", `This needs the role ${least}.`);
  return workspaceId;
}
