import type { feedbackRequest, talk } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import type { Tx } from "../platform/database.ts";
import { plainText } from "./plain-text.ts";

type Talk = z.output<typeof talk>;
type Of = {
  projectId: string;
  feedbackId: string;
  channel: z.output<typeof feedbackRequest>["channel"];
  reporter: Buffer | null;
};

/**
 * Keeps the talk behind a report, whole, as it is told now, if the project keeps talks at all. A later report of the
 * same talk tells it anew; whoever told it first stays its reporter.
 */
export async function storeTalk(
  tx: Tx,
  { newId }: Pick<AppDeps, "newId">,
  { projectId, feedbackId, channel, reporter }: Of,
  { clientId, messages }: Talk,
): Promise<"stored" | "dropped"> {
  const { rows } = await sql<{ id: string }>`
    insert into fc.conversations as c (id, project_id, channel, client_id, reporter_hash)
    select ${newId()}, p.id, ${channel}, ${clientId}, ${reporter}::bytea from fc.projects p
    where p.id = ${projectId} and coalesce((p.settings ->> 'storeTalks')::boolean, false)
    on conflict (project_id, client_id) do update set updated_at = now(), reporter_hash = coalesce(c.reporter_hash, excluded.reporter_hash)
    returning id`.execute(tx);
  const [row] = rows;
  if (!row) return "dropped";
  await sql`
    with gone as (
      delete from fc.messages where conversation_id = ${row.id} and seq > ${messages.length}
    ), linked as (
      update fc.feedback set conversation_id = ${row.id} where id = ${feedbackId}
    )
    insert into fc.messages (conversation_id, seq, project_id, role, text, said_at)
    select ${row.id}, said.seq, ${projectId}, said.role, said.text, said.at
    from unnest(${messages.map(({ role }) => role)}::text[], ${messages.map(({ text }) => plainText(text))}::text[],
      ${messages.map(({ at }) => at)}::timestamptz[]) with ordinality as said (role, text, at, seq)
    on conflict (conversation_id, seq) do update set role = excluded.role, text = excluded.text, said_at = excluded.said_at`.execute(
    tx,
  );
  return "stored";
}
