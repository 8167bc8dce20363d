import { idOf } from "@feedback-chat/protocol/ids";
import type { feedbackAnswer, feedbackRequest } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { mostSimilar } from "../core/similar-text.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { linkIssue } from "./link-issue.ts";
import { plainText } from "./plain-text.ts";
import { refuseBlocked, reporterHash } from "./refuse-blocked.ts";
import { queueStandingNotice } from "./tell-reporters.ts";
import { mintReporterToken } from "./reporter-token.ts";
import { storeTalk } from "./store-talk.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Input = { projectId: string; said: z.output<typeof feedbackRequest> };
type Row = { id: string; joinedTo: string | null; issueNumber: number | null };

const comparedReports = 200;

/**
 * Keeps what somebody reported, once per `clientId`, and joins it to an earlier report of the same problem while that
 * one is open. Each call tells a new token; earlier ones open the page too.
 * @throws Problem forbidden for a blocked reporter
 */
export async function receiveFeedback(deps: Deps, { projectId, said }: Input): Promise<z.input<typeof feedbackAnswer>> {
  const { token, hash } = mintReporterToken();
  return asProject(deps.db, projectId, async (tx) => {
    const reporter = reporterHash(projectId, said.reporter);
    await refuseBlocked(tx, projectId, reporter);
    const { id, isNew } = await store(tx, deps, { projectId, said }, reporter);
    if (said.issueNumber !== undefined)
      await linkIssue(tx, deps, { projectId, feedbackId: id, issueNumber: said.issueNumber });
    else if (isNew) await joinSimilar(tx, { projectId, feedbackId: id, text: said.publicText });
    const { channel, conversation } = said;
    const kept =
      conversation && (await storeTalk(tx, deps, { projectId, feedbackId: id, channel, reporter }, conversation));
    const { rows } = await sql<Row>`
      with told as (
        insert into fc.reporter_tokens (token_hash, feedback_id, project_id) values (${hash}, ${id}, ${projectId})
      )
      select f.id, f.joined_to as "joinedTo", i.number as "issueNumber"
      from fc.feedback f left join fc.issues i on i.id = f.issue_id where f.id = ${id}`.execute(tx);
    const { joinedTo = null, issueNumber = null } = rows[0] ?? {};
    return {
      feedbackId: idOf("fb", id),
      reporterToken: token,
      joinedTo: joinedTo === null ? null : idOf("fb", joinedTo),
      issueNumber,
      conversation: kept ?? null,
    };
  });
}

/** The project's row is locked first, so that of two similar reports at once the second sees the first. */
async function store(tx: Tx, { newId }: Deps, { projectId, said }: Input, reporter: Buffer | null) {
  await sql`select from fc.projects where id = ${projectId} for no key update`.execute(tx);
  const { clientId, channel, publicText, privateText = null } = said;
  const { rows } = await sql<{ id: string; isNew: boolean }>`
    insert into fc.feedback as f (id, project_id, channel, client_id, public_text, private_text, reporter_hash, reporter_email)
    values (${newId()}, ${projectId}, ${channel}, ${clientId}, ${plainText(publicText)}, ${privateText && plainText(privateText)}, ${reporter},
      ${said.reporter?.email ?? null})
    on conflict (project_id, client_id) do update set public_text = excluded.public_text,
      private_text = coalesce(excluded.private_text, f.private_text), reporter_hash = coalesce(excluded.reporter_hash, f.reporter_hash),
      reporter_email = coalesce(excluded.reporter_email, f.reporter_email)
    returning id, (xmax = 0) as "isNew"`.execute(tx);
  const [row] = rows;
  if (!row) throw new TypeError("A report was stored without a row.");
  return row;
}

/** Only with what stands for itself: a chain would end nowhere. */
async function joinSimilar(
  tx: Tx,
  { projectId, feedbackId, text }: { projectId: string; feedbackId: string; text: string },
): Promise<void> {
  const { rows: known } = await sql<{ id: string; text: string }>`
    select f.id, left(f.public_text, 2000) as text from fc.feedback f left join fc.issues i on i.id = f.issue_id
    where f.project_id = ${projectId} and f.id <> ${feedbackId} and f.joined_to is null and coalesce(i.state, 'open') = 'open'
      and f.created_at > now() - interval '90 days'
    order by f.created_at desc, f.id desc limit ${comparedReports}`.execute(tx);
  const head = mostSimilar(text, known);
  if (head === null) return;
  await sql`
    update fc.feedback f set joined_to = head.id, issue_id = head.issue_id from fc.feedback head
    where f.id = ${feedbackId} and head.id = ${head}`.execute(tx);
  await queueStandingNotice(tx, feedbackId);
}
