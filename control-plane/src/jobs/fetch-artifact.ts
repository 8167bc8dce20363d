import { Problem } from "@feedback-chat/protocol/problem";
import type { ArtifactName } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { asWorker } from "../platform/as-tenant.ts";
import type { HeldLease } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { holdJob } from "./lease-fence.ts";

type Deps = { db: Db };

/** An artifact of an earlier attempt, for the worker that goes on. @throws Problem lease_lost, not_found */
export async function fetchArtifact({ db }: Deps, lease: HeldLease, name: ArtifactName): Promise<Buffer> {
  return asWorker(db, lease, async (tx) => {
    await holdJob(tx, lease);
    const { rows } = await sql<{ content: Buffer }>`
      select content from fc.artifacts where run_id = ${lease.runId} and name = ${name}`.execute(tx);
    if (!rows[0]) throw new Problem("not_found", `This run has no ${name}.`);
    return rows[0].content;
  });
}
