import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string; endpointId: string };

/** Its messages go with it, those that wait too. @throws Problem not_found */
export async function deleteEndpoint(deps: Deps, input: Input): Promise<void> {
  const { caller, projectId, workspaceId, endpointId } = input;
  await asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql`
      delete from fc.endpoints where id = ${endpointId} and project_id = ${projectId} returning id`.execute(tx);
    if (rows.length === 0) throw new Problem("not_found", "There is no such endpoint.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "endpoint.deleted", target: idOf("ep", endpointId),
    }); // prettier-ignore
  });
}
