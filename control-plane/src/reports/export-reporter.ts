import { idOf } from "@feedback-chat/protocol/ids";
import type { reporterData } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { reportsOf } from "./reporter-of.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
export type OfReporter = { caller: Caller; projectId: string; workspaceId: string; feedbackId: string };
type Said = { action: string; comment: string | null; at: string };
type Row = {
  id: string;
  channel: z.input<typeof reporterData>["reports"][number]["channel"];
  publicText: string;
  privateText: string | null;
  email: string | null;
  issueUrl: string | null;
  createdAt: Date;
  said: Said[];
  talk: z.input<typeof reporterData>["reports"][number]["talk"];
};

/** All that is kept of whoever wrote that report: for a person who asks what we have of them. */
export async function exportReporter(deps: Deps, input: OfReporter): Promise<z.input<typeof reporterData>> {
  const { caller, projectId, workspaceId, feedbackId } = input;
  return asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<Row>`
      select f.id, f.channel, f.public_text as "publicText", f.private_text as "privateText", f.reporter_email as email,
        i.url as "issueUrl", f.created_at as "createdAt", coalesce((
          select jsonb_agg(jsonb_build_object('action', a.action, 'comment', a.comment, 'at', to_char(a.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by a.id)
          from fc.run_actions a where a.project_id = f.project_id and a.actor ->> 'kind' = 'reporter' and a.actor ->> 'id' = f.id::text
        ), '[]') || coalesce((
          select jsonb_agg(jsonb_build_object('action', 'reopen', 'comment', words, 'at', to_char(f.reopened_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
          from unnest(f.reopened_words) as words
        ), '[]') as said, coalesce((
          select jsonb_agg(jsonb_build_object('role', m.role, 'text', m.text, 'at', to_char(m.said_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) order by m.seq)
          from fc.messages m where m.conversation_id = f.conversation_id
        ), '[]') as talk
      from fc.feedback f left join fc.issues i on i.id = f.issue_id
      where f.id in (${reportsOf(projectId, feedbackId)}) order by f.created_at, f.id`.execute(tx);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "reporter.exported", target: idOf("fb", feedbackId),
    }); // prettier-ignore
    const reports = rows.map(({ id, createdAt, ...row }) => ({
      ...row,
      feedbackId: idOf("fb", id),
      createdAt: createdAt.toISOString(),
    }));
    return { reports };
  });
}
