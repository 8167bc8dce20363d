import { TypeID } from "typeid-js";
import * as z from "zod";
import { Problem } from "./problem.ts";

/**
 * Every kind of id that crosses a border: a TypeID, which is a prefix and a UUIDv7.
 * The database column holds the bare `uuid`; the prefix exists on the wire only.
 */
const kinds = {
  usr: "user", ws: "workspace", prj: "project", key: "key", crd: "credential", cnv: "conversation", fb: "feedback",
  iss: "issue", job: "job", run: "run", evt: "event", whe: "webhook event", wrk: "worker", act: "action",
  aud: "audit entry", inv: "invite", ep: "endpoint", epd: "delivery", wgt: "widget", tok: "token", int: "integration",
  cli: "client",
} as const; // prettier-ignore
export type IdPrefix = keyof typeof kinds;
export const idPrefixes = Object.keys(kinds) as IdPrefix[];
export type Id<P extends IdPrefix> = `${P}_${string}`;

/** The wire form of a stored uuid: `idOf("run", "0190…")` is `"run_01h…"`. */
export function idOf<P extends IdPrefix>(prefix: P, uuid: string): Id<P> {
  return TypeID.fromUUID(prefix, uuid).toString() as Id<P>;
}

/**
 * The uuid inside a wire id.
 * @throws Problem not_found for anything that is no id of that kind: to the caller it does not exist.
 */
export function uuidOf(prefix: IdPrefix, id: string): string {
  const uuid = tryUuidOf(prefix, id);
  if (!uuid) throw new Problem("not_found", `There is no ${kinds[prefix]} with the id "${id.slice(0, 64)}".`);
  return uuid;
}

function tryUuidOf(prefix: IdPrefix, id: string): string | undefined {
  if (!wellFormed.test(id) || !id.startsWith(`${prefix}_`)) return undefined;
  return TypeID.fromString(id, prefix).toUUID();
}

// 26 characters of Crockford's base 32, the first at most 7: what fits 128 bits.
const wellFormed = /^[a-z]{2,3}_[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}$/;

/** zod schema of one kind of id. */
export function idSchema<P extends IdPrefix>(prefix: P) {
  return z.custom<Id<P>>((value) => typeof value === "string" && tryUuidOf(prefix, value) !== undefined, {
    message: `is no ${prefix}_… id`,
  });
}
