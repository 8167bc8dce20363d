import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** Tells one reporter from another within a project, and says nothing about them. Null for one without a name. */
export function reporterHash(
  projectId: string,
  { id, email }: { id?: string | undefined; email?: string | undefined } = {},
): Buffer | null {
  const name = id === undefined ? email && `email:${email.toLowerCase()}` : `id:${id}`;
  return name ? createHash("sha256").update(`${projectId}:${name}`).digest() : null;
}

/** @throws Problem forbidden for a reporter whom the project's people blocked. */
export async function refuseBlocked(tx: Tx, projectId: string, hash: Buffer | null): Promise<void> {
  if (hash === null) return;
  const { rows } = await sql`
    select from fc.blocked_reporters where project_id = ${projectId} and reporter_hash = ${hash}`.execute(tx);
  if (rows.length > 0)
    throw new Problem("forbidden", "This project takes no reports from this reporter.", {
      next: "Ask the project's people to take the block off.",
    });
}
