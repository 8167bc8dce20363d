import type { Actor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { Tx } from "./database.ts";

type Entry = {
  id: string;
  workspaceId: string | null;
  projectId: string | null;
  actor: Actor;
  /** Verb and thing, such as `credential.set`. */
  action: string;
  /** The id of the thing: never a secret, never free text. */
  target: string | null;
};

/** Notes who did what, in the transaction that does it. */
export async function writeAudit(tx: Tx, entry: Entry): Promise<void> {
  await sql`insert into fc.audit_logs (id, workspace_id, project_id, actor, action, target)
    values (${entry.id}, ${entry.workspaceId}, ${entry.projectId}, ${JSON.stringify(entry.actor)}::jsonb, ${entry.action}, ${entry.target})`.execute(
    tx,
  );
}
