import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { noticeText, type NoticeKind, onceOf } from "../core/notice-text.ts";
import type { Config } from "../config.ts";
import type { Tx } from "../platform/database.ts";
import { mentionPeople } from "./mention-people.ts";

type Deps = { newId: () => string; config: Pick<Config, "publicUrl" | "smtpUrl"> };
export type Standing = {
  projectId: string;
  projectName: string;
  workspaceId: string;
  runId: string | null;
  issueNumber: number | null;
  /** Tells this standing of this run from the next one. */
  standing: string;
  kind: NoticeKind;
  reason: string | null;
  /** When it ends by itself; null if it does not, or has. */
  endsAt: Date | null;
};

/**
 * Queues one mail per standing and person who may act in its workspace; the same again queues nothing. Where the
 * instance sends no mail, one line for the operator's log. On GitHub, whom the project wants mentioned. As the system: people are not of one tenant.
 */
export async function queueNotices(tx: Tx, deps: Deps, standings: readonly Standing[]): Promise<void> {
  if (standings.length === 0) return;
  const recipients = await peopleOf(tx, deps, [...new Set(standings.map(({ workspaceId }) => workspaceId))]);
  const mails = standings.flatMap((standing) => {
    const { subject, body } = noticeText({ ...standing, url: urlOf(deps, standing) });
    const once = onceOf(standing);
    const people = recipients.filter(({ workspaceId }) => workspaceId === standing.workspaceId);
    const about = { project_id: standing.projectId, kind: standing.kind, once, subject, body };
    return people.map(({ email }) => ({ ...about, id: deps.newId(), email }));
  });
  await sql`
    with told as (select pg_notify('fc_outbox', ''))
    insert into fc.mails (id, project_id, kind, recipient, once, subject, body)
    select mail.id, mail.project_id, mail.kind, mail.email, mail.once, mail.subject, mail.body
    from told, jsonb_to_recordset(${JSON.stringify(mails)}::jsonb)
      as mail (id uuid, project_id uuid, kind text, email text, once text, subject text, body text)
    on conflict (once, recipient) do nothing`.execute(tx);
  await mentionPeople(
    tx,
    standings.map((standing) => ({ ...standing, url: urlOf(deps, standing) })),
  );
}

async function peopleOf(tx: Tx, { config }: Deps, workspaceIds: string[]) {
  if (config.smtpUrl === undefined) return workspaceIds.map((workspaceId) => ({ workspaceId, email: "" }));
  const { rows } = await sql<{ workspaceId: string; email: string }>`
    select m.workspace_id as "workspaceId", u.email from fc.workspace_members m join fc.users u on u.id = m.user_id
    where m.workspace_id = any(${workspaceIds}::uuid[]) and m.role <> 'viewer' and u.email is not null`.execute(tx);
  return rows;
}

function urlOf({ config }: Deps, { projectId, runId }: Standing): string {
  const project = `${config.publicUrl ?? ""}/projects/${idOf("prj", projectId)}`;
  return runId ? `${project}/runs/${idOf("run", runId)}` : project;
}
