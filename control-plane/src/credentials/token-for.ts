import { idOf } from "@feedback-chat/protocol/ids";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { CredentialType } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import type { GitHubStep } from "../core/app-permissions.ts";
import { findConnection } from "../github-app/find-connection.ts";
import { mintToken } from "../github-app/mint-token.ts";
import { asProject } from "../platform/as-tenant.ts";

export type TokenPurpose = GitHubStep | "model";
/** `isMinted`: made by the App for this one step, so it can be revoked alone. */
export type Token = { type: CredentialType; value: string; isMinted: boolean };

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;
type Row = {
  id: string;
  type: CredentialType;
  encrypted_value: Buffer;
  wrapped_dek: Buffer;
  kek_id: string;
  version: number;
};

const modelTypes: readonly CredentialType[] = ["anthropic_api_key", "claude_oauth"];

/**
 * The project's secret for one purpose, in the clear: pass it on, keep it nowhere. Null when the project has none.
 * A project that is connected by the GitHub App gets a token made for this one step.
 * @throws Problem vault_shut, credential_unreadable; what `mintToken` throws
 */
export async function tokenFor(deps: Deps, projectId: string, purpose: TokenPurpose): Promise<Token | null> {
  if (purpose === "model") return storedToken(deps, projectId, modelTypes);
  const { connection } = await findConnection(deps, projectId);
  if (connection) return { type: "github_token", value: await mintToken(deps, connection, purpose), isMinted: true };
  return storedToken(deps, projectId, ["github_token"]);
}

/** What the project gave us itself. @throws Problem vault_shut, credential_unreadable (`facts.credentialId`) */
export async function storedToken(
  { db, sealing }: Pick<Deps, "db" | "sealing">,
  projectId: string,
  types: readonly CredentialType[],
): Promise<Token | null> {
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
  try {
    return { type, value: sealing.open(sealed, { projectId, id, type, version }), isMinted: false };
  } catch (error) {
    if (!isProblem(error, "credential_unreadable")) throw error;
    const credentialId = idOf("crd", id);
    const detail = `The stored ${type} cannot be read. Its row was changed, or another master key sealed it.`;
    throw new Problem("credential_unreadable", detail, { facts: { credentialId }, cause: error });
  }
}
