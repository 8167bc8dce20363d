import type { createEndpointAnswer } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { packSealed } from "../platform/pack-sealed.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { mintEndpointSecret } from "./sign-message.ts";
import { endpointColumns, type EndpointRow, secretOf, toEndpoint } from "./to-endpoint.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string; endpointId: string; graceHours: number };

/**
 * A new secret, told this once. Until the grace ends messages carry a signature of each, so that a receiver changes
 * over when it likes. A second rotation meanwhile leaves the older one of the two worthless.
 * @throws Problem not_found, unavailable (the vault is shut)
 */
export async function rotateEndpointSecret(deps: Deps, input: Input): Promise<z.input<typeof createEndpointAnswer>> {
  const { caller, projectId, workspaceId, endpointId, graceHours } = input;
  // Whole ones: the smallest numbers of JSON are none of Postgres.
  const graceSeconds = Math.round(graceHours * 3_600);
  const secret = mintEndpointSecret();
  const sealed = packSealed(deps.sealing.seal(secret, secretOf(projectId, endpointId)));
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<EndpointRow>`
      update fc.endpoints set secret = ${sealed}, secret_previous = case when ${graceSeconds}::int > 0 then secret end,
        secret_previous_until = case when ${graceSeconds}::int > 0 then now() + make_interval(secs => ${graceSeconds}) end
      where id = ${endpointId} and project_id = ${projectId} returning ${endpointColumns}`.execute(tx);
    const row = rows[0];
    if (!row) throw new Problem("not_found", "There is no such endpoint.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "endpoint.secret_rotated", target: idOf("ep", endpointId),
    }); // prettier-ignore
    return { endpoint: toEndpoint(row), secret };
  });
}
