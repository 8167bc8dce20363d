import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = {
  caller: Caller;
  projectId: string;
  workspaceId: string;
  endpointId: string;
  /** Null: all that were given up. */
  deliveryId: string | null;
};

/**
 * Sends messages again, under the ids that they had: a receiver that knows them already can tell. What waits anyway
 * is not touched.
 * @throws Problem not_found
 */
export async function redeliver(deps: Deps, input: Input): Promise<{ queued: number }> {
  const { caller, projectId, workspaceId, endpointId, deliveryId } = input;
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<{ isThere: boolean; queued: number }>`
      with named as (
        select d.id, d.status from fc.endpoint_deliveries d join fc.endpoints e on e.id = d.endpoint_id
        where e.id = ${endpointId} and e.project_id = ${projectId}
          and case when ${deliveryId}::uuid is null then d.status = 'dead' else d.id = ${deliveryId}::uuid end
      ), again as (
        update fc.endpoint_deliveries d set status = 'pending', attempts = 0, run_at = now(), ended_at = null, locked_until = null
        from named where d.id = named.id and named.status <> 'pending' returning d.id
      ), told as (select pg_notify('fc_outbox', '') where exists (select from again))
      select (exists (select from named) or (${deliveryId}::uuid is null and exists
          (select from fc.endpoints where id = ${endpointId} and project_id = ${projectId}))) as "isThere",
        (select count(*)::int from again) as queued, (select count(*) from told)`.execute(tx);
    if (!rows[0]?.isThere) throw new Problem("not_found", "There is no such endpoint or message.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "endpoint.redelivered", target: idOf("ep", endpointId),
    }); // prettier-ignore
    return { queued: rows[0].queued };
  });
}
