import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";

/** Where a page ended. `scope` is the list with its filters: a cursor serves the list that made it. */
type Place = { at: string; id: string };

/**
 * The cursor carries a check sum, so that a changed one or one of another list is told as such. It is no secret and
 * opens nothing: the list's own tenant and filters are applied whatever it says.
 */
export function cursorOf(scope: unknown, { at, id }: Place): string {
  return Buffer.from(JSON.stringify([at, id, sumOf(scope, at, id)])).toString("base64url");
}

/** @throws Problem invalid_cursor */
export function placeOf(scope: unknown, cursor: string): Place {
  const [at, id, sum] = read(cursor);
  if (typeof at !== "string" || typeof id !== "string" || sum !== sumOf(scope, at, id))
    throw new Problem("invalid_cursor", "This cursor is of another list, or was changed.");
  return { at, id };
}

function read(cursor: string): unknown[] {
  const json = Buffer.from(cursor, "base64url").toString("utf8");
  if (!/^\["[^"\\]{1,64}","[0-9a-f-]{36}","[\w-]{22}"\]$/.test(json)) return [];
  const [at, id, sum] = JSON.parse(json) as string[];
  // The sum can be made by anybody who reads this: what the database would choke on is told apart here.
  return isTime(at ?? "") && uuid.test(id ?? "") ? [at, id, sum] : [];
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** As Postgres writes it, to the microsecond, or as we do. */
const timestamp = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d{1,6})?(?:Z|[+-]\d{2}(?::\d{2})?)$/;

function isTime(text: string): boolean {
  const [, day, time] = timestamp.exec(text) ?? [];
  return day !== undefined && !Number.isNaN(Date.parse(`${day}T${time}Z`));
}

function sumOf(scope: unknown, at: string, id: string): string {
  return createHash("sha256")
    .update(JSON.stringify([scope, at, id]))
    .digest("base64url")
    .slice(0, 22);
}
