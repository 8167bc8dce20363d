import type { CredentialType } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Sealing } from "../platform/sealing.ts";

export type TokenPurpose = "clone" | "publish" | "model" | "read";
export type Token = { type: CredentialType; value: string };

type Deps = { db: Db; sealing: Sealing };
type Row = {
  id: string;
  type: CredentialType;
  encrypted_value: Buffer;
  wrapped_dek: Buffer;
  kek_id: string;
  version: number;
};

const typesFor: Record<TokenPurpose, readonly CredentialType[]> = {
  clone: ["github_token"],
  publish: ["github_token"],
  read: ["github_token"],
  model: ["anthropic_api_key", "claude_oauth"],
};

/**
 * The project's secret for one purpose, in the clear: pass it on, keep it nowhere. Null when the project has none.
 * A GitHub App's short-lived tokens will come from here too.
 * @throws Problem unavailable when the master key is lost
 */
export async function tokenFor({ db, sealing }: Deps, projectId: string, purpose: TokenPurpose): Promise<Token | null> {
  const types = typesFor[purpose];
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`select id, type, encrypted_value, wrapped_dek, kek_id, version from fc.credentials
      where project_id = ${projectId} and type = any(${types}::text[])
      order by array_position(${types}::text[], type) limit 1`.execute(tx),
  );
  const row = rows[0];
  if (!row) return null;
  const { id, type, version } = row;
  const sealed = {
    encryptedValue: row.encrypted_value,
    wrappedDek: row.wrapped_dek,
    kekId: row.kek_id,
  };
  return { type, value: sealing.open(sealed, { projectId, id, type, version }) };
}
