import { idOf } from "@feedback-chat/protocol/ids";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { credentialInfo, type CredentialPurpose } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { tokenMs } from "../credentials/revoke-handed.ts";
import { tokenFor } from "../credentials/token-for.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { holdJob } from "./lease-fence.ts";
import { type SealedSecret, sealForWorker } from "./seal-for-worker.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "handed">;
type Wanted = { purpose: CredentialPurpose; workspaceId: string; keyId: string };

/**
 * Hands the project's secret for a purpose to the worker that holds the lease: sealed to its registered key, bound to
 * job and attempt, and noted in the audit log. Null when the project has none.
 * @throws Problem lease_lost, not_permitted (`publish` before the permit), vault_shut without the master key,
 * credential_unreadable (audited too), github_access when the GitHub App lost the repository
 */
export async function releaseCredential(
  deps: Deps,
  lease: HeldLease,
  { purpose, workspaceId, keyId }: Wanted,
): Promise<(SealedSecret & { type: string }) | null> {
  const publicKey = await asWorker(deps.db, lease, (tx) => refuseUnpermitted(tx, lease, purpose));
  const audit = (action: string, target: string) => (tx: Tx) =>
    writeAudit(tx, {
      id: deps.newId(),
      workspaceId,
      projectId: lease.projectId,
      actor: { kind: "worker", id: keyId },
      action,
      target,
    });
  const token = await tokenFor(deps, lease.projectId, purpose).catch(async (error: unknown) => {
    if (isProblem(error, "credential_unreadable")) {
      const { credentialId } = error.facts;
      const target = typeof credentialId === "string" ? credentialId : purpose;
      await asWorker(deps.db, lease, audit("credential.unreadable", target));
    }
    throw error;
  });
  // Before the second look: a token that comes too late is revoked as well.
  if (token?.isMinted) deps.handed.add({ value: token.value, lease, endsAt: new Date(deps.now().getTime() + tokenMs) });
  // Only now: what does not open is not released.
  await asWorker(deps.db, lease, async (tx) => {
    await refuseUnpermitted(tx, lease, purpose);
    await audit(`credential.released.${purpose}`, idOf("job", lease.jobId))(tx);
  });
  if (!token) return null;
  const info = credentialInfo({ jobId: idOf("job", lease.jobId), attempt: lease.attempt }, purpose);
  return { type: token.type, ...(await sealForWorker(publicKey, token.value, info)) };
}

/** @returns the key of the worker that holds the lease. */
async function refuseUnpermitted(tx: Tx, lease: HeldLease, purpose: CredentialPurpose): Promise<string> {
  const job = await holdJob(tx, lease);
  if (purpose === "publish" && (!job.permitId || job.isCancelled))
    throw new Problem("not_permitted", "The secret for publishing comes after the permit.");
  const { rows } = await sql<{
    public_key: string;
  }>`select public_key from fc.workers where id = ${job.workerId}`.execute(tx);
  if (!rows[0]) throw new Problem("not_found", "The worker is not registered any more.");
  return rows[0].public_key;
}
