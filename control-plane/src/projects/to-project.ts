import { idOf } from "@feedback-chat/protocol/ids";
import { type RunSettings, runSettings } from "@feedback-chat/protocol/job";
import type { Plan, Project } from "@feedback-chat/protocol/project";
import { type RawBuilder, sql } from "kysely";

export type ProjectRow = {
  id: string;
  workspace_id: string;
  name: string;
  github_repo: string;
  github_repo_id: string | null;
  trigger_label: string;
  is_paused: boolean;
  max_concurrent_runs: number;
  plan: Plan;
  log_days: number;
  private_days: number;
  talk_days: number;
  settings: Partial<RunSettings>;
  created_at: Date;
};

/** Never the webhook's secrets. */
export const projectColumns: RawBuilder<unknown> = sql`
  p.id, p.workspace_id, p.name, p.github_repo, p.github_repo_id, p.trigger_label, p.is_paused, p.max_concurrent_runs, p.plan, p.log_days, p.private_days, p.talk_days, p.settings, p.created_at`;

export function toProject(row: ProjectRow): Project {
  return {
    id: idOf("prj", row.id),
    workspaceId: idOf("ws", row.workspace_id),
    name: row.name,
    githubRepo: row.github_repo,
    githubRepoId: row.github_repo_id === null ? null : Number(row.github_repo_id),
    triggerLabel: row.trigger_label,
    isPaused: row.is_paused,
    maxConcurrentRuns: row.max_concurrent_runs,
    plan: row.plan,
    logDays: row.log_days,
    privateDays: row.private_days,
    talkDays: row.talk_days,
    settings: runSettings.parse(row.settings),
    createdAt: row.created_at.toISOString(),
  };
}
