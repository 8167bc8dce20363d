import { idOf } from "@feedback-chat/protocol/ids";
import type { channels, feedbackItem, feedbackPage } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { cursorOf, placeOf } from "../platform/cursor.ts";
import type { PageQuery } from "../platform/page.ts";

type Row = {
  id: string;
  channel: (typeof channels)[number];
  publicText: string;
  issueNumber: number | null;
  joinedTo: string | null;
  isReporterBlocked: boolean;
  confirmedAt: Date | null;
  reopenedCount: number;
  createdAt: Date;
  at: string;
};

/** Reports of a project, newest first, without what was said in private. @throws Problem invalid_cursor */
export async function listFeedback(
  { db }: { db: Db },
  projectId: string,
  { limit, cursor }: PageQuery,
): Promise<z.input<typeof feedbackPage>> {
  const scope = ["feedback", projectId];
  const after = cursor === undefined ? null : placeOf(scope, cursor);
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`
      select f.id, f.channel, f.public_text as "publicText", i.number as "issueNumber", f.joined_to as "joinedTo",
        b.project_id is not null as "isReporterBlocked", f.confirmed_at as "confirmedAt",
        f.reopened_count as "reopenedCount", f.created_at as "createdAt", f.created_at::text as at
      from fc.feedback f left join fc.issues i on i.id = f.issue_id
        left join fc.blocked_reporters b on b.project_id = f.project_id and b.reporter_hash = f.reporter_hash
      where f.project_id = ${projectId} and (${after?.id ?? null}::uuid is null
        or (f.created_at, f.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}::uuid))
      order by f.created_at desc, f.id desc limit ${limit + 1}`.execute(tx),
  );
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return {
    items: items.map(toItem),
    nextCursor: last ? cursorOf(scope, { at: last.at, id: last.id }) : null,
  };
}

function toItem(row: Row): z.input<typeof feedbackItem> {
  const { id, channel, publicText, issueNumber, joinedTo, isReporterBlocked, reopenedCount } = row;
  return {
    id: idOf("fb", id), channel, publicText, issueNumber, isReporterBlocked, reopenedCount,
    joinedTo: joinedTo === null ? null : idOf("fb", joinedTo), confirmedAt: row.confirmedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  }; // prettier-ignore
}
