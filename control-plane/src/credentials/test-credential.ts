import { runSettings, type RunSettings } from "@feedback-chat/protocol/job";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CredentialTest } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { askOtherEnd, type Said } from "./ask-other-end.ts";
import { type CredentialRow, toCredential } from "./to-credential.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "now" | "config">;
type Input = { caller: Caller; credentialId: string; projectId: string; workspaceId: string };
type Row = CredentialRow & {
  version: number;
  encrypted_value: Buffer;
  wrapped_dek: Buffer;
  kek_id: string;
  github_repo: string;
  settings: Partial<RunSettings>;
};

/** Nobody finds a secret out, or floods somebody, through us. */
const testsPerMinute = 10;

/**
 * Asks GitHub or the model whether they take this credential, now. What they say is its status from then on; when
 * nobody answers, it stays as it was.
 * @throws Problem not_found, rate_limited, vault_shut, credential_unreadable
 */
export async function testCredential(deps: Deps, input: Input): Promise<CredentialTest> {
  const { db, sealing, now } = deps;
  const { projectId, credentialId: id } = input;
  await takeTurn(db, `credential-tests:${projectId}`, testsPerMinute);
  const row = await readSealed(deps, input);
  const { type, version, github_repo: githubRepo } = row;
  const sealed = { encryptedValue: row.encrypted_value, wrappedDek: row.wrapped_dek, kekId: row.kek_id };
  const value = sealing.open(sealed, { projectId, id, type, version });
  const startMs = now().getTime();
  const said = await askOtherEnd(deps, { type, value, githubRepo, model: runSettings.parse(row.settings).model });
  const ms = now().getTime() - startMs;
  const credential = await note(deps, input, { ...said, version });
  return { credential: toCredential(credential), ok: said.status === "ok", ms, reason: said.reason };
}

async function readSealed({ db }: Deps, { projectId, credentialId }: Input): Promise<Row> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`select c.*, p.github_repo, p.settings from fc.credentials c join fc.projects p on p.id = c.project_id
      where c.id = ${credentialId} and c.project_id = ${projectId}`.execute(tx),
  );
  const [row] = rows;
  if (!row) throw gone();
  return row;
}

/** Of the version that was asked about alone: one that was set meanwhile has not been shown to anybody. */
async function note(deps: Deps, input: Input, { status, version }: Said & { version: number }): Promise<CredentialRow> {
  const { caller, projectId, workspaceId, credentialId } = input;
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<CredentialRow>`
      update fc.credentials set status = case when version = ${version} then coalesce(${status}, status) else status end
      where id = ${credentialId} and project_id = ${projectId} returning id, type, last4, status, created_at`.execute(
      tx,
    );
    const [row] = rows;
    if (!row) throw gone();
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "credential.tested", target: idOf("crd", credentialId),
    }); // prettier-ignore
    return row;
  });
}

const gone = () => new Problem("not_found", "There is no such credential.");
