import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { queueStandingNotice } from "./tell-reporters.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string; feedbackId: string; to: string };

/**
 * Joins a report, and those that had joined it, to another of the same project: they share its issue from now on, and
 * each reporter hears of it.
 * @throws Problem not_found, conflict (with itself)
 */
export async function joinFeedback(deps: Deps, input: Input): Promise<void> {
  const { caller, projectId, workspaceId, feedbackId, to } = input;
  await asProject(deps.db, projectId, async (tx) => {
    await sql`select from fc.projects where id = ${projectId} for no key update`.execute(tx);
    const { rows } = await sql<{ headId: string }>`
      select coalesce(f.joined_to, f.id) as "headId" from fc.feedback f where f.id = ${to} and f.project_id = ${projectId}`.execute(
      tx,
    );
    const headId = rows[0]?.headId;
    if (headId === undefined) throw new Problem("not_found", "There is no such report to join.");
    if (headId === feedbackId) throw new Problem("conflict", "This report is the one that the other joined.");
    await sql`
      update fc.feedback f set joined_to = head.id, issue_id = head.issue_id, is_apart = false from fc.feedback head
      where head.id = ${headId} and f.project_id = ${projectId} and (f.id = ${feedbackId} or f.joined_to = ${feedbackId})`.execute(
      tx,
    );
    await queueStandingNotice(tx, feedbackId);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "feedback.joined", target: idOf("fb", feedbackId),
    }); // prettier-ignore
  });
}
