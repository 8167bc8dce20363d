import { createHash } from "node:crypto";

/** GitHub's node ids are opaque; ours only have to be different and stable. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${createHash("sha256").update(`${kind}:${id}`).digest("base64url").slice(0, 18)}`;
}

/** GitHub writes times without fractions of a second. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
