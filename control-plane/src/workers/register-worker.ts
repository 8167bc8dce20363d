import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { registerRequest } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import type * as z from "zod";
import { refuseOldVersion } from "../jobs/claim-job.ts";
import { isPublicKey } from "../jobs/seal-for-worker.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db; newId: () => string };
type Input = z.output<typeof registerRequest> & { workspaceId: string; keyId: string };

/**
 * One row per worker process: each has a key of its own, to which credentials are sealed.
 * @throws Problem upgrade_required, validation_failed
 */
export async function registerWorker({ db, newId }: Deps, input: Input) {
  refuseOldVersion(input.version);
  if (!isPublicKey(input.publicKey)) {
    const errors = [{ path: "publicKey", message: "is no raw X25519 key in base64url" }];
    throw new Problem("validation_failed", "The public key is not valid.", { errors });
  }
  const id = newId();
  await asWorkspace(db, input.workspaceId, (tx) =>
    sql`insert into fc.workers (id, workspace_id, key_id, name, version, capabilities, public_key, concurrency)
      values (${id}, ${input.workspaceId}, ${input.keyId}, ${input.name}, ${input.version}, ${JSON.stringify(input.capabilities)}::jsonb,
        ${input.publicKey}, ${input.concurrency})`.execute(tx),
  );
  return { workerId: idOf("wrk", id) };
}
