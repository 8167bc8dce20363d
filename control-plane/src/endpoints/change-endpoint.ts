import type { Endpoint, patchEndpointRequest } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { checkOutside } from "../platform/call-outside.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { outsideOf } from "./outside.ts";
import { endpointColumns, type EndpointRow, toEndpoint } from "./to-endpoint.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Input = {
  caller: Caller;
  projectId: string;
  workspaceId: string;
  endpointId: string;
  change: z.output<typeof patchEndpointRequest>;
};

/**
 * Changes what is named and leaves the rest.
 * @throws Problem not_found, endpoint_not_allowed
 */
export async function changeEndpoint(deps: Deps, input: Input): Promise<Endpoint> {
  const { caller, projectId, workspaceId, endpointId, change } = input;
  const { url = null, description = null, events = null, isDisabled = null } = change;
  if (url !== null) await checkOutside(outsideOf(deps.config), url);
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<EndpointRow>`
      update fc.endpoints set url = coalesce(${url}, url), description = coalesce(${description}, description),
        events = coalesce(${events}::text[], events), is_disabled = coalesce(${isDisabled}, is_disabled),
        disabled_reason = case when ${isDisabled === null} then disabled_reason end
      where id = ${endpointId} and project_id = ${projectId} returning ${endpointColumns}`.execute(tx);
    const row = rows[0];
    if (!row) throw new Problem("not_found", "There is no such endpoint.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "endpoint.changed", target: idOf("ep", endpointId),
    }); // prettier-ignore
    return toEndpoint(row);
  });
}
