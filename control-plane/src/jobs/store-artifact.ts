import { createHash } from "node:crypto";
import type { ArtifactName } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { holdJob } from "./lease-fence.ts";

type Deps = { db: Db; newId: () => string };
type Artifact = { name: ArtifactName; content: Buffer };

/** Keeps a run's artifact; a later one of the same name takes its place. @throws Problem lease_lost */
export async function storeArtifact(
  { db, newId }: Deps,
  lease: HeldLease,
  { name, content }: Artifact,
): Promise<{ name: string; sha256: string; sizeBytes: number }> {
  const sha256 = createHash("sha256").update(content).digest();
  await asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    await sql`
      insert into fc.artifacts (id, run_id, project_id, name, sha256, size_bytes, content)
      values (${newId()}, ${lease.runId}, ${lease.projectId}, ${name}, ${sha256}, ${content.length}, ${content})
      on conflict (run_id, name) do update set sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
        content = excluded.content, created_at = now()`.execute(tx);
  });
  return { name, sha256: sha256.toString("hex"), sizeBytes: content.length };
}
