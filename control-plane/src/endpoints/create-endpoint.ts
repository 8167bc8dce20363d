import type { createEndpointAnswer, createEndpointRequest } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { checkOutside } from "../platform/call-outside.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { packSealed } from "../platform/pack-sealed.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { outsideOf } from "./outside.ts";
import { mintEndpointSecret } from "./sign-message.ts";
import { endpointColumns, type EndpointRow, secretOf, toEndpoint } from "./to-endpoint.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Input = {
  caller: Caller;
  projectId: string;
  workspaceId: string;
  wanted: z.output<typeof createEndpointRequest>;
};

const mostOfProject = 20;

/**
 * Adds an endpoint, with a secret that is told this once. The address is looked at now, and again at each message.
 * @throws Problem endpoint_not_allowed, conflict (too many), unavailable (the vault is shut)
 */
export async function createEndpoint(deps: Deps, input: Input): Promise<z.input<typeof createEndpointAnswer>> {
  const { caller, projectId, workspaceId, wanted } = input;
  await checkOutside(outsideOf(deps.config), wanted.url);
  const id = deps.newId();
  const secret = mintEndpointSecret();
  const sealed = packSealed(deps.sealing.seal(secret, secretOf(projectId, id)));
  return asProject(deps.db, projectId, async (tx) => {
    // In a statement of its own: the next one sees what was committed while this one waited.
    await sql`select from fc.projects where id = ${projectId} for no key update`.execute(tx);
    const { rows } = await sql<EndpointRow>`
      insert into fc.endpoints (id, project_id, url, description, events, secret)
      select ${id}::uuid, ${projectId}::uuid, ${wanted.url}, ${wanted.description}, ${wanted.events}::text[], ${sealed}::bytea
      where (select count(*) from fc.endpoints where project_id = ${projectId}) < ${mostOfProject}
      returning ${endpointColumns}`.execute(tx);
    const row = rows[0];
    if (!row) throw new Problem("conflict", `A project has at most ${mostOfProject} endpoints.`);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "endpoint.created", target: idOf("ep", id),
    }); // prettier-ignore
    return { endpoint: toEndpoint(row), secret };
  });
}
