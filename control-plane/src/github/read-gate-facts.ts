import { runSettings } from "@feedback-chat/protocol/job";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** What the gate's second step knows without asking GitHub. */
export type GateFacts = {
  issueNumber: number;
  author: string;
  askedBy: string | null;
  /** GitHub's id of that account; null where the event did not say. */
  askedById: number | null;
  source: "webhook" | "poll" | "retry";
  triggerLabel: string;
  hadFeedbackLabel: boolean;
  isNamedByFeedback: boolean;
  dayBudgetLeftMicroUsd: number;
  /** A worker of the workspace keeps a GitHub token of its own. */
  hasWorkerWithToken: boolean;
};

/** Undefined when the run is not at the gate any more. */
export async function readGateFacts(tx: Tx, runId: string): Promise<GateFacts | undefined> {
  const { rows } = await sql<Omit<GateFacts, "dayBudgetLeftMicroUsd"> & { settings: unknown; spent: string }>`
    select r.github_issue_number as "issueNumber", s.author, s.asked_by as "askedBy", s.asked_by_github_id::float8 as "askedById", s.source, p.trigger_label as "triggerLabel",
      i.ever_had_feedback_label as "hadFeedbackLabel", p.settings,
      exists (select from fc.feedback f where f.issue_id = i.id) as "isNamedByFeedback",
      (select coalesce(sum(coalesce(x.settled_micro_usd, x.reserved_micro_usd)), 0) from fc.spend_reservations x
        where x.project_id = p.id and x.created_at > now() - interval '24 hours') as spent,
      exists (select from fc.workers w where w.workspace_id = p.workspace_id
        and w.capabilities -> 'localCredentials' @> '["github_token"]'::jsonb) as "hasWorkerWithToken"
    from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id join fc.projects p on p.id = r.project_id
      join fc.issues i on i.id = r.issue_id join fc.issue_snapshots s on s.id = j.snapshot_id
    where r.id = ${runId} and r.stage = 'queued' and r.phase = 'gate' and j.status = 'pending'`.execute(tx);
  const [row] = rows;
  if (!row) return undefined;
  const { settings, spent, ...facts } = row;
  const { dayBudgetMicroUsd } = runSettings.parse(settings);
  return { ...facts, dayBudgetLeftMicroUsd: dayBudgetMicroUsd - Number(spent) };
}
