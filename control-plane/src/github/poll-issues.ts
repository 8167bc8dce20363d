import { randomBytes } from "node:crypto";
import { botLabel } from "@feedback-chat/agent/core/labels";
import { judgeEvent } from "@feedback-chat/agent/core/gate";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { hasLabel } from "../core/issue-event.ts";
import { enqueueRun } from "../jobs/enqueue-run.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { githubFor, type ProjectGitHub } from "./github-for.ts";
import { githubTrouble } from "./github-trouble.ts";
import { type IssueNow, toIssueNow } from "./read-issue.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log">;
export type PolledProject = { id: string; triggerLabel: string };
/** ETags of the last answers by project: an unchanged list costs nothing of the rate limit. */
export type Seen = Map<string, string>;

/**
 * Makes runs of the project's open labelled issues that have none: what webhooks missed, or cannot reach us with.
 * @returns the numbers of the issues that got one.
 */
export async function pollIssues(deps: Deps, seen: Seen, project: PolledProject): Promise<number[]> {
  const github = await githubFor(deps, project.id);
  if (!github) return [];
  const listed = await listLabelled(deps, seen, { github, project });
  const made: number[] = [];
  for (const issue of listed?.issues ?? []) if (await startPolled(deps, project, issue)) made.push(issue.number);
  // Only now: what failed above is listed again.
  if (listed?.etag) seen.set(project.id, listed.etag);
  return made;
}

type Asked = { github: ProjectGitHub; project: PolledProject };

async function listLabelled(
  deps: Deps,
  seen: Seen,
  { github: { octokit, named }, project }: Asked,
): Promise<{ issues: IssueNow[]; etag: string | undefined } | null> {
  const etag = seen.get(project.id);
  try {
    const answer = await octokit.rest.issues.listForRepo({
      ...named,
      state: "open",
      labels: project.triggerLabel,
      sort: "created",
      direction: "desc",
      per_page: 100,
      ...(etag ? { headers: { "if-none-match": etag } } : {}),
    });
    const issues = answer.data.filter((issue) => !issue.pull_request).map(toIssueNow);
    return { issues, etag: answer.headers.etag };
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 304) return null;
    const { kind, said } = githubTrouble(error, deps.now());
    deps.log.warn("poll.failed", { projectId: project.id, kind, reason: said });
    return null;
  }
}

async function startPolled(deps: Deps, project: PolledProject, issue: IssueNow): Promise<boolean> {
  return asProject(deps.db, project.id, async (tx) => {
    if (await hasRun(tx, project.id, issue)) return false;
    const answer = judgeEvent({
      hasTriggerLabel: hasLabel(issue.labels, project.triggerLabel),
      isOpen: issue.state === "open",
      isPaused: false,
      hasActiveRun: false,
      title: issue.title,
      body: issue.body,
      author: issue.author,
    });
    if (!answer.go) return false;
    const made = await enqueueRun(tx, deps, {
      projectId: project.id,
      issue: { ...issue, hasFeedbackLabel: hasLabel(issue.labels, botLabel) },
      source: "poll",
      triggeredBy: issue.author,
      branchSuffix: randomBytes(6).toString("hex"),
    });
    if (made) await sql`select pg_notify('fc_gate', '')`.execute(tx);
    return made !== null;
  });
}

/** A run that ended because the issue was closed does not count once the issue is open again. */
async function hasRun(tx: Tx, projectId: string, issue: IssueNow): Promise<boolean> {
  const { rows } = await sql<{ reason: string | null }>`
    select reason from fc.pipeline_runs where project_id = ${projectId} and github_issue_number = ${issue.number}
    order by started_at desc limit 1`.execute(tx);
  return rows.length > 0 && rows[0]?.reason !== "issue_closed";
}
