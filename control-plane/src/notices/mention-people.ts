import { createHash } from "node:crypto";
import { sql } from "kysely";
import { mentionText, noticeText, onceOf } from "../core/notice-text.ts";
import type { Tx } from "../platform/database.ts";
import type { Standing } from "./queue-notices.ts";

/** A failure's mention could fail in turn, and so on for ever. */
const mentioned = ["notice_held", "notice_waiting", "notice_soon_over", "notice_sent_back"];

/**
 * Mentions whom the project names, on the run's issue, once per standing. In public it says no more than that somebody
 * is waited for; where only those with access read, what for and where.
 */
export async function mentionPeople(tx: Tx, standings: readonly (Standing & { url: string })[]): Promise<void> {
  const said = standings
    .filter(({ runId, kind }) => runId !== null && mentioned.includes(kind))
    .map((standing) => {
      const { projectId, runId, url } = standing;
      const once = onceOf(standing);
      const inside = noticeText({ ...standing, reason: null, url }).body.trim();
      return { id: idFrom(once), projectId, runId, marker: `notice ${once}`, inside, outside: mentionText };
    });
  if (said.length === 0) return;
  await sql`
    with queued as (
      insert into fc.outbox (id, project_id, run_id, kind, payload)
      select said.id, p.id, said."runId", 'issue_comment', jsonb_build_object('marker', said.marker,
        'body', (p.settings ->> 'mention') || ' ' || case when p.is_private then said.inside else said.outside end)
      from jsonb_to_recordset(${JSON.stringify(said)}::jsonb)
        as said (id uuid, "projectId" uuid, "runId" uuid, marker text, inside text, outside text)
      join fc.projects p on p.id = said."projectId" and p.settings ->> 'mention' is not null
      on conflict (id) do nothing returning id
    )
    select pg_notify('fc_outbox', '') where exists (select from queued)`.execute(tx);
}

/** The same standing gives the same id, whichever server comes to it: two rows would be two comments. */
function idFrom(once: string): string {
  const hex = createHash("sha256").update(`mention ${once}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
