import type { Actor } from "@feedback-chat/protocol/actor";
import { type CreatedKey } from "@feedback-chat/protocol/project";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { KeyScope } from "../platform/caller.ts";
import type { Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { mintKey } from "./mint-key.ts";

type Deps = { newId: () => string };
type NewKey = { actor: Actor; name: string } & (
  | { kind: "project"; workspaceId: string; projectId: string; scopes: readonly KeyScope[] }
  | { kind: "worker"; workspaceId: string }
  | { kind: "user"; userId: string }
);

/** Makes a key in the caller's transaction. The answer is the one place where it stands in full. */
export async function createKey(tx: Tx, { newId }: Deps, wanted: NewKey): Promise<CreatedKey> {
  const id = newId();
  const { key, hash, prefix } = mintKey(wanted.kind);
  const workspaceId = wanted.kind === "user" ? null : wanted.workspaceId;
  const projectId = wanted.kind === "project" ? wanted.projectId : null;
  const userId = wanted.kind === "user" ? wanted.userId : null;
  const scopes = wanted.kind === "project" ? wanted.scopes : [];
  const madeBy = wanted.actor.kind === "user" ? wanted.actor.id : null;
  await sql`insert into fc.api_keys (id, workspace_id, project_id, user_id, kind, name, key_hash, prefix, scopes, made_by)
    values (${id}, ${workspaceId}, ${projectId}, ${userId}, ${wanted.kind}, ${wanted.name}, ${hash}, ${prefix}, ${scopes}::text[], ${madeBy})`.execute(
    tx,
  );
  await writeAudit(tx, {
    id: newId(), workspaceId, projectId, actor: wanted.actor, action: `${wanted.kind}_key.created`, target: idOf("key", id),
  }); // prettier-ignore
  return { id: idOf("key", id), prefix, key };
}
