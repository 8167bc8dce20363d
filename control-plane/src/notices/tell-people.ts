import type { Stage, WaitingFor } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { endsAfterSeconds } from "../core/deadlines.ts";
import type { NoticeKind } from "../core/notice-text.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { queueNotices } from "./queue-notices.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Effect = { id: string; projectId: string; runId: string | null; kind: NoticeKind; reason: string | null };
type Row = {
  projectName: string;
  workspaceId: string;
  issueNumber: number | null;
  stage: Stage | null;
  waitingFor: WaitingFor | null;
  standingSince: Date | null;
};

/**
 * Turns a notice of a run into mails to its project's people.
 * @returns why there was nothing to tell, or null.
 */
export async function tellPeople(deps: Deps, effect: Effect): Promise<string | null> {
  const { projectId, runId, kind } = effect;
  return asSystem(deps.db, async (tx) => {
    const { rows } = await sql<Row>`
      select p.name as "projectName", p.workspace_id as "workspaceId", r.github_issue_number as "issueNumber", r.stage,
        r.waiting_for as "waitingFor", r.standing_since as "standingSince"
      from fc.projects p left join fc.pipeline_runs r on r.id = ${runId}::uuid
      where p.id = ${projectId} and p.deleted_at is null`.execute(tx);
    const row = rows[0];
    if (!row) return "the project is gone";
    const isWait = kind === "notice_held" || kind === "notice_waiting";
    if (isWait && row.waitingFor === null) return "the run does not wait any more";
    const seconds =
      row.stage && row.waitingFor ? endsAfterSeconds(deps.config.figures, row.stage, row.waitingFor) : null;
    const sinceMs = row.standingSince?.getTime() ?? 0;
    // Each time that a reporter sends it back is told, whether the run moved in between or not.
    const standing = runId && kind !== "notice_sent_back" ? `${runId}:${sinceMs}` : effect.id;
    const endsAt = seconds === null ? null : new Date(sinceMs + seconds * 1_000);
    await queueNotices(tx, deps, [{ ...effect, ...row, standing, endsAt }]);
    return null;
  });
}
