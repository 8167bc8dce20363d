import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";

type Deps = Pick<AppDeps, "db">;

/**
 * One artifact's bytes. Its content is what an agent wrote: never shown by a browser as a page of ours.
 * @throws Problem not_found
 */
export async function readArtifact(
  { db }: Deps,
  { projectId, runId, name }: { projectId: string; runId: string; name: string },
): Promise<Response> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ content: Buffer; etag: string }>`
      select content, encode(sha256, 'hex') as etag from fc.artifacts where run_id = ${runId} and name = ${name}`.execute(
      tx,
    ),
  );
  const [row] = rows;
  if (!row) throw new Problem("not_found", "The run has no artifact of this name.");
  return new Response(new Uint8Array(row.content), {
    headers: {
      "content-type": typeOf(name),
      "content-disposition": `attachment; filename="${name.replace(/[^\w.-]/g, "_")}"`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      etag: `"${row.etag}"`,
    },
  });
}

function typeOf(name: string): string {
  if (name.endsWith(".json")) return "application/json; charset=utf-8";
  return name.endsWith(".patch") ? "text/plain; charset=utf-8" : "application/octet-stream";
}
