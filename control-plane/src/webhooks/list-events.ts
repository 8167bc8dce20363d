import { idOf } from "@feedback-chat/protocol/ids";
import type { webhookEvent, webhookEventPage } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";
import type { PageQuery } from "../platform/page.ts";

type Event = z.input<typeof webhookEvent>;
type Row = Omit<Event, "id" | "receivedAt"> & { id: string; created_at: Date };

/** Deliveries of GitHub to one project with what became of them, newest first. @throws Problem invalid_cursor */
export async function listEvents(
  { db }: { db: Db },
  projectId: string,
  { limit, cursor }: PageQuery,
): Promise<z.input<typeof webhookEventPage>> {
  const scope = ["webhook-events", projectId];
  // Ids are made in the order of time.
  const before = cursor === undefined ? null : placeOf(scope, cursor).id;
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`select id, guid, event, action, issue_number as "issueNumber", status, reason, body is not null as "canReplay", created_at
      from fc.webhook_events where project_id = ${projectId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(tx),
  );
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ id, created_at: at, ...row }) => ({
      ...row,
      id: idOf("whe", id),
      receivedAt: at.toISOString(),
    })),
    nextCursor: last ? cursorOf(scope, { at: last.created_at.toISOString(), id: last.id }) : null,
  };
}
