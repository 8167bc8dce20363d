import type { Stage } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

export type ProjectedIssue = {
  number: number;
  /** Of the issue's newest run: an older one's effects may come late. */
  stage: Stage;
  reason: string | null;
  triggerLabel: string;
};

export async function findIssueOf(tx: Tx, runId: string): Promise<ProjectedIssue | undefined> {
  const { rows } = await sql<ProjectedIssue>`
    select newest.github_issue_number as number, newest.stage, newest.reason, p.trigger_label as "triggerLabel"
    from fc.pipeline_runs mine join fc.projects p on p.id = mine.project_id
      join fc.pipeline_runs newest on newest.project_id = mine.project_id and newest.github_issue_number = mine.github_issue_number
    where mine.id = ${runId} order by newest.started_at desc, newest.id desc limit 1`.execute(tx);
  return rows[0];
}
