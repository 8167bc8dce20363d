import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import type { OfReporter } from "./export-reporter.ts";
import { reportsOf } from "./reporter-of.ts";

type Deps = Pick<AppDeps, "db" | "newId">;

/**
 * Forgets whoever wrote that report: private words, talks, address, name, what they answered, their links and mails. What
 * stands on GitHub stays there, and so does its copy here; a block stays too, which knows them by a hash alone. A run
 * that is not over keeps the words that it works by. Twice is as good as once.
 */
export async function eraseReporter(deps: Deps, input: OfReporter): Promise<void> {
  const { caller, projectId, workspaceId, feedbackId } = input;
  // As the system: mails are not of one tenant. Everything else is named with its project.
  await asSystem(deps.db, async (tx) => {
    await sql`
      with theirs as (${reportsOf(projectId, feedbackId)}), acts as (
        select a.id, a.run_id, a.comment from fc.run_actions a
        where a.project_id = ${projectId} and a.actor ->> 'kind' = 'reporter' and a.actor ->> 'id' in (select id::text from theirs)
          and not exists (select from fc.pipeline_runs r where r.id = a.run_id and r.result is null)
      ), words as (
        update fc.run_actions a set comment = null from acts where a.id = acts.id
      ), taken as (
        update fc.pipeline_runs r set answer = nullif(r.answer, acts.comment), change_request = nullif(r.change_request, acts.comment)
        from acts where r.id = acts.run_id and r.project_id = ${projectId}
      ), links as (
        delete from fc.reporter_tokens t using theirs where t.feedback_id = theirs.id
      ), mails as (
        delete from fc.mails m using theirs where m.kind = 'report' and m.once like '%:' || theirs.id::text
      ), posted as (
        delete from fc.outbox o using theirs
        where o.project_id = ${projectId} and o.done_at is not null and o.payload ->> 'marker' like 'reopened ' || theirs.id::text || ' %'
      ), talks as (
        delete from fc.conversations c using fc.feedback f, theirs
        where f.id = theirs.id and c.project_id = f.project_id and (c.id = f.conversation_id or c.reporter_hash = f.reporter_hash)
      )
      update fc.feedback f set private_text = null, reporter_email = null, reporter_hash = null, client_id = null, reopened_words = '{}'
      from theirs where f.id = theirs.id`.execute(tx);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "reporter.erased", target: idOf("fb", feedbackId),
    }); // prettier-ignore
  });
}
