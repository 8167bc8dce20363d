import type { endpointDelivery, endpointDeliveryPage } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";
import { pageQuery } from "../platform/page.ts";

export const deliveryListQuery = pageQuery.extend({
  status: z.enum(["pending", "delivered", "dead"]).optional(),
});
type Of = { projectId: string; endpointId: string };
type Row = {
  id: string;
  event: string;
  status: "pending" | "delivered" | "dead";
  attempts: number;
  run_at: Date;
  last_status: number | null;
  last_error: string | null;
  created_at: Date;
};

/** Messages to one endpoint, newest first. @throws Problem not_found, invalid_cursor */
export async function listDeliveries(
  { db }: { db: Db },
  of: Of,
  { limit, cursor, status: named }: z.output<typeof deliveryListQuery>,
): Promise<z.input<typeof endpointDeliveryPage>> {
  const status = named ?? null;
  const scope = [of, status];
  // Ids are made in the order of time.
  const before = cursor === undefined ? null : placeOf(scope, cursor).id;
  const rows = await asProject(db, of.projectId, async (tx) => {
    const found =
      await sql`select from fc.endpoints where id = ${of.endpointId} and project_id = ${of.projectId}`.execute(tx);
    if (found.rows.length === 0) throw new Problem("not_found", "There is no such endpoint.");
    const page = await sql<Row>`
      select id, event, status, attempts, run_at, last_status, last_error, created_at from fc.endpoint_deliveries
      where endpoint_id = ${of.endpointId} and (${before}::uuid is null or id < ${before}::uuid)
        and (${status}::text is null or status = ${status})
      order by id desc limit ${limit + 1}`.execute(tx);
    return page.rows;
  });
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map(toDelivery),
    nextCursor: last ? cursorOf(scope, { at: last.created_at.toISOString(), id: last.id }) : null,
  };
}

function toDelivery(row: Row): z.input<typeof endpointDelivery> {
  const { id, event, status, attempts } = row;
  return {
    id: idOf("epd", id), event, status, attempts, lastStatus: row.last_status, lastError: row.last_error,
    nextAttemptAt: status === "pending" ? row.run_at.toISOString() : null, createdAt: row.created_at.toISOString(),
  }; // prettier-ignore
}
