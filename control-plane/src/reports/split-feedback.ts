import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { queueStandingNotice } from "./tell-reporters.ts";
import { linkIssue } from "./link-issue.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Input = {
  caller: Caller;
  projectId: string;
  workspaceId: string;
  feedbackId: string;
  /** The issue that it gets of its own; null: none yet. */
  issueNumber: number | null;
};

/**
 * Takes a report off the one that it had joined: it is something else. Its reporter hears of its own issue.
 * @throws Problem conflict when it had joined none
 */
export async function splitFeedback(deps: Deps, input: Input): Promise<void> {
  const { caller, projectId, workspaceId, feedbackId, issueNumber } = input;
  await asProject(deps.db, projectId, async (tx) => {
    await sql`select from fc.projects where id = ${projectId} for no key update`.execute(tx);
    const { rows } = await sql`
      update fc.feedback set joined_to = null, issue_id = null, is_apart = true
      where id = ${feedbackId} and project_id = ${projectId} and joined_to is not null returning id`.execute(tx);
    if (rows.length === 0) throw new Problem("conflict", "This report stands for itself already.");
    if (issueNumber !== null) {
      await linkIssue(tx, deps, { projectId, feedbackId, issueNumber });
      await queueStandingNotice(tx, feedbackId);
    }
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "feedback.split", target: idOf("fb", feedbackId),
    }); // prettier-ignore
  });
}
