import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { secretTextTrouble } from "@feedback-chat/protocol/secret-text";
import type { Credential, createCredentialRequest } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import type { Sealing } from "../platform/sealing.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { askGitHub, type FoundRepository } from "./ask-github.ts";
import { type CredentialRow, toCredential } from "./to-credential.ts";
import { wakeWaitingRuns } from "./wake-waiting-runs.ts";

type Deps = {
  db: Db;
  sealing: Sealing;
  newId: () => string;
  config: { mode: "self" | "hosted"; githubApiUrl: string };
};
type Wanted = z.output<typeof createCredentialRequest>;
type Input = { caller: Caller; projectId: string; workspaceId: string; wanted: Wanted };

/**
 * Seals a secret for the project; the same kind again replaces it. A GitHub token is tried on the repository first,
 * which tells its id. Runs that wait for a credential go on.
 * @throws Problem credential_type_not_allowed, github_access, vault_shut
 */
export async function setCredential(deps: Deps, input: Input): Promise<Credential> {
  const { wanted, projectId } = input;
  if (wanted.type === "claude_oauth" && deps.config.mode === "hosted")
    throw new Problem("credential_type_not_allowed", "A personal Claude subscription is for its owner's own machine.");
  const value = wanted.value.trim();
  const trouble = secretTextTrouble(value);
  if (trouble)
    throw new Problem(
      "validation_failed",
      `The ${wanted.type} ${trouble}. Copy it again, without what stands around it.`,
    );
  const found = wanted.type === "github_token" ? await lookUp(deps, projectId, value) : undefined;
  return asProject(deps.db, projectId, async (tx) => {
    const row = await store(tx, deps, { ...input, value, status: found ? "ok" : "unverified" });
    await wakeWaitingRuns(tx, { projectId, actor: actorOf(input.caller) });
    // After the jobs: the project is locked last.
    if (found) await noteRepository(tx, projectId, found);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId: input.workspaceId, projectId, actor: actorOf(input.caller),
      action: "credential.set", target: idOf("crd", row.id),
    }); // prettier-ignore
    return toCredential(row);
  });
}

async function lookUp(deps: Deps, projectId: string, token: string): Promise<FoundRepository | undefined> {
  const { rows } = await asProject(deps.db, projectId, (tx) =>
    sql<{
      github_repo: string;
    }>`select github_repo from fc.projects where id = ${projectId}`.execute(tx),
  );
  return askGitHub(deps.config, { githubRepo: rows[0]?.github_repo ?? "", token });
}

/** First the row, locked, with its id and version; then the secret, bound to both. */
async function store(
  tx: Tx,
  { sealing, newId }: Deps,
  { projectId, wanted, value, status }: Input & { value: string; status: "ok" | "unverified" },
): Promise<CredentialRow> {
  const nothing = Buffer.alloc(0);
  const claimed = await sql<{ id: string; version: number }>`
    insert into fc.credentials as c (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
    values (${newId()}, ${projectId}, ${wanted.type}, ${nothing}, ${nothing}, '', '')
    on conflict (project_id, type) do update set version = c.version + 1 returning id, version`.execute(tx);
  const { id, version } = claimed.rows[0] ?? { id: "", version: 0 };
  const sealed = sealing.seal(value, { projectId, id, type: wanted.type, version });
  // Four letters of a short secret would be too much of it.
  const last4 = value.length >= 16 ? value.slice(-4) : "";
  const { rows } = await sql<CredentialRow>`
    update fc.credentials set encrypted_value = ${sealed.encryptedValue}, wrapped_dek = ${sealed.wrappedDek}, kek_id = ${sealed.kekId},
      last4 = ${last4}, status = ${status}, created_at = now()
    where id = ${id} returning id, type, last4, status, created_at`.execute(tx);
  const row = rows[0];
  if (!row) throw new TypeError(`The credential ${id} vanished in its own transaction.`);
  return row;
}

async function noteRepository(tx: Tx, projectId: string, found: FoundRepository): Promise<void> {
  await sql`update fc.projects set github_repo_id = ${found.id}, github_repo = ${found.fullName}, is_private = ${found.isPrivate}
    where id = ${projectId}`.execute(tx);
}
