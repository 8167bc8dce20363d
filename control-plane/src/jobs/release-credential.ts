import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { credentialInfo, type CredentialPurpose } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { tokenFor } from "../credentials/token-for.ts";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { holdJob } from "./lease-fence.ts";
import { type SealedSecret, sealForWorker } from "./seal-for-worker.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId">;
type Wanted = { purpose: CredentialPurpose; workspaceId: string; keyId: string };

/**
 * Hands the project's secret for a purpose to the worker that holds the lease: sealed to its registered key, bound to
 * job and attempt, and noted in the audit log. Null when the project has none.
 * @throws Problem lease_lost, not_permitted (`publish` before the permit), unavailable without the master key,
 * github_access when the GitHub App lost the repository
 */
export async function releaseCredential(
  deps: Deps,
  lease: HeldLease,
  { purpose, workspaceId, keyId }: Wanted,
): Promise<(SealedSecret & { type: string }) | null> {
  const { db, newId } = deps;
  const publicKey = await asWorker(db, lease, async (tx) => {
    const job = await holdJob(tx, lease);
    if (purpose === "publish" && (!job.permitId || job.isCancelled))
      throw new Problem("not_permitted", "The secret for publishing comes after the permit.");
    const { rows } = await sql<{
      public_key: string;
    }>`select public_key from fc.workers where id = ${job.workerId}`.execute(tx);
    if (!rows[0]) throw new Problem("not_found", "The worker is not registered any more.");
    const target = idOf("job", lease.jobId);
    const actor = { kind: "worker" as const, id: keyId };
    await writeAudit(tx, {
      id: newId(),
      workspaceId,
      projectId: lease.projectId,
      actor,
      action: `credential.released.${purpose}`,
      target,
    });
    return rows[0].public_key;
  });
  const token = await tokenFor(deps, lease.projectId, purpose);
  if (!token) return null;
  const info = credentialInfo({ jobId: idOf("job", lease.jobId), attempt: lease.attempt }, purpose);
  return { type: token.type, ...(await sealForWorker(publicKey, token.value, info)) };
}
