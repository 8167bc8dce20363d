import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Tx } from "../platform/database.ts";

type Deps = { newId: () => string; config: Pick<Config, "githubUrl"> };

/**
 * Gives a report, and those that joined it, the issue of that number. GitHub's webhook brings the issue's title later
 * if we do not know it yet.
 */
export async function linkIssue(
  tx: Tx,
  { newId, config }: Deps,
  { projectId, feedbackId, issueNumber }: { projectId: string; feedbackId: string; issueNumber: number },
): Promise<void> {
  await sql`
    with issue as (
      insert into fc.issues as i (id, project_id, number, title, author, url, github_updated_at)
      select ${newId()}::uuid, p.id, ${issueNumber}, '', '', ${config.githubUrl} || '/' || p.github_repo || '/issues/' || ${issueNumber}::int,
        'epoch' from fc.projects p where p.id = ${projectId}
      on conflict (project_id, number) do update set number = excluded.number returning id
    )
    update fc.feedback f set issue_id = issue.id, joined_to = case when f.id = ${feedbackId} then null else f.joined_to end
    from issue where f.project_id = ${projectId} and (f.id = ${feedbackId} or f.joined_to = ${feedbackId})`.execute(tx);
}
