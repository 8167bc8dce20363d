import { idOf } from "@feedback-chat/protocol/ids";
import { type LeasedJob, type Origin, type RawSnapshot, runSettings } from "@feedback-chat/protocol/job";
import type { Phase } from "@feedback-chat/protocol/run-machine";
import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Tx } from "../platform/database.ts";

type Deps = { config: Pick<Config, "githubUrl" | "githubApiUrl"> };
type Row = {
  project_id: string;
  github_repo: string;
  github_repo_id: string | null;
  is_private: boolean;
  settings: unknown;
  number: number;
  url: string;
  branch: string;
  origin: Origin;
  triggered_by: string;
  resume_at: Phase;
  title: string;
  body: string;
  labels: string[];
  author: string;
  comments: RawSnapshot["comments"];
  frozen_at: Date;
  change_request: string | null;
  question: string | null;
  answer: string | null;
  approved_by: string | null;
  github_pr_number: number | null;
  artifacts: string[];
  micro_usd: string;
  input_tokens: string;
  output_tokens: string;
  turns: string;
  agent_ms: string;
  logged_bytes: number;
};

/** Everything that a lease hands to its worker: what was frozen, the project's settings, no secret. */
export async function readLeasedJob(tx: Tx, { config }: Deps, jobId: string): Promise<LeasedJob> {
  const { rows } = await sql<Row>`
    select p.id as project_id, p.github_repo, p.github_repo_id, p.is_private, p.settings, i.number, i.url, r.branch, r.origin,
      r.triggered_by, j.resume_at, j.logged_bytes, s.title, s.body, s.labels, s.author, s.comments, s.frozen_at, r.change_request, r.question,
      r.answer, r.approved_by, r.github_pr_number,
      array(select a.name from fc.artifacts a where a.run_id = r.id order by a.name) as artifacts, spent.*, worked.*
    from fc.job_queue j
    join fc.pipeline_runs r on r.id = j.run_id
    join fc.projects p on p.id = j.project_id
    join fc.issues i on i.id = r.issue_id
    join fc.issue_snapshots s on s.id = j.snapshot_id
    cross join lateral (
      select coalesce(sum(coalesce(s.settled_micro_usd, s.reserved_micro_usd)), 0) as micro_usd,
        coalesce(sum(s.input_tokens), 0) as input_tokens, coalesce(sum(s.output_tokens), 0) as output_tokens,
        count(*) filter (where coalesce(s.settled_micro_usd, s.reserved_micro_usd) > 0) as turns
      from fc.spend_reservations s where s.run_id = r.id) spent
    cross join lateral (
      -- From the agent's start to whatever came next, a lost lease included.
      select coalesce(round(sum(extract(epoch from (
        select n.created_at from fc.run_events n where n.run_id = e.run_id and n.seq > e.seq
          and n.event not in ('issue_edited', 'cancel_requested') order by n.seq limit 1) - e.created_at)) * 1000), 0)::bigint as agent_ms
      from fc.run_events e where e.run_id = r.id and e.event = 'phase_started' and e.phase = 'agent') worked
    where j.id = ${jobId}`.execute(tx);
  const row = rows[0];
  if (!row) throw new Error(`Job ${jobId} has no run or no snapshot.`);
  return {
    projectId: idOf("prj", row.project_id),
    issueNumber: row.number,
    repository: {
      // 0 until GitHub told it: the repository's name is used then.
      id: Number(row.github_repo_id ?? 0),
      fullName: row.github_repo,
      cloneUrl: `${config.githubUrl}/${row.github_repo}.git`,
      apiUrl: config.githubApiUrl,
      isPrivate: row.is_private,
    },
    branch: row.branch,
    origin: row.origin,
    triggeredBy: row.triggered_by,
    resumeAt: row.resume_at,
    snapshot: snapshotOf(row),
    settings: runSettings.parse(row.settings),
    changeRequest: row.change_request,
    question: row.question === null ? null : { text: row.question, answer: row.answer },
    approvedBy: row.approved_by,
    prNumber: row.github_pr_number,
    artifacts: row.artifacts,
    used: {
      costMicroUsd: Number(row.micro_usd),
      inputTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      agentMs: Number(row.agent_ms),
      turns: Number(row.turns),
    },
    loggedBytes: row.logged_bytes,
  };
}

function snapshotOf(row: Row): RawSnapshot {
  return {
    issueNumber: row.number,
    issueUrl: row.url,
    title: row.title,
    body: row.body,
    labels: row.labels,
    author: row.author,
    comments: row.comments,
    frozenAt: row.frozen_at.toISOString(),
  };
}
