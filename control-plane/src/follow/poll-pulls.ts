import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { githubFor, type ProjectGitHub } from "../github/github-for.ts";
import { asProject, asSystem } from "../platform/as-tenant.ts";
import { findDeployment } from "./find-deployment.ts";
import { noteDeployment } from "./note-deployment.ts";
import { notePull } from "./note-pull.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;
export type PublishedRun = {
  id: string;
  projectId: string;
  branch: string;
  number: number;
  headSha: string | null;
  previewUrl: string | null;
};

/**
 * Runs whose pull request was open when it was last heard of. As the system: they are of all projects. Nobody has to
 * merge an open pull request, so where there are very many each round looks at others.
 */
export async function listPublished({ db }: Deps): Promise<PublishedRun[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<PublishedRun>`
      select r.id, r.project_id as "projectId", r.branch, r.github_pr_number as number, r.head_sha as "headSha",
        r.preview_url as "previewUrl"
      from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
      where r.stage = 'preview_ready' and r.result is null and r.github_pr_number is not null and r.merge_sha is null
        and p.deleted_at is null
      order by random() limit 500`.execute(tx),
  );
  return rows;
}

/** A list that is longer is not read to its end: the rest is asked for one by one. */
const [perPage, mostPages] = [100, 5];

/**
 * Looks at a project's pull requests: what webhooks would have told. Two lists tell of all that are open; only what
 * is not in them costs a request of its own. Errors of GitHub's are the caller's.
 */
export async function pollPulls(deps: Deps, projectId: string, runs: readonly PublishedRun[]): Promise<void> {
  const github = await githubFor(deps, projectId);
  if (!github) return;
  const openHeads = await listOpenHeads(github);
  const open = runs.flatMap((run) => {
    const headSha = openHeads.get(run.number);
    return headSha === undefined ? [] : [{ ...run, headSha }];
  });
  for (const run of runs) if (!openHeads.has(run.number)) await pollOne(deps, github, run);
  const waiting = open.filter(({ previewUrl }) => previewUrl === null);
  const deployed = waiting.length === 0 ? new Set<string>() : await listDeployed(github);
  for (const run of waiting) if (deployed?.has(run.headSha) ?? true) await lookForPreview(deps, github, run);
}

async function listOpenHeads({ octokit, named }: ProjectGitHub): Promise<Map<number, string>> {
  const heads = new Map<number, string>();
  const asked = { ...named, state: "open", sort: "created", direction: "desc", per_page: perPage } as const;
  let pages = 0;
  for await (const { data } of octokit.paginate.iterator(octokit.rest.pulls.list, asked)) {
    for (const { number, head } of data) heads.set(number, head.sha);
    if (++pages === mostPages) break;
  }
  return heads;
}

/** The commits that were deployed; null when there are more of them than one page. */
async function listDeployed({ octokit, named }: ProjectGitHub): Promise<Set<string> | null> {
  const { data } = await octokit.rest.repos.listDeployments({ ...named, per_page: perPage });
  return data.length === perPage ? null : new Set(data.map(({ sha }) => sha));
}

/** Closed, or beyond the list. */
async function pollOne(deps: Deps, github: ProjectGitHub, run: PublishedRun): Promise<void> {
  const { octokit, named } = github;
  const { data: pull } = await octokit.rest.pulls.get({ ...named, pull_number: run.number });
  if (pull.state !== "closed") {
    if (run.previewUrl === null) await lookForPreview(deps, github, { ...run, headSha: pull.head.sha });
    return;
  }
  const mergeSha = pull.merged ? (pull.merge_commit_sha ?? "") : null;
  const closed = { projectId: run.projectId, number: run.number, branch: run.branch, mergeSha };
  await asProject(deps.db, run.projectId, (tx) => notePull(tx, closed, systemActor));
}

async function lookForPreview(
  deps: Deps,
  github: ProjectGitHub,
  run: PublishedRun & { headSha: string },
): Promise<void> {
  const found = await findDeployment(github, { sha: run.headSha, isProduction: false });
  if (!found?.url) return;
  const { url } = found;
  const seen = { sha: run.headSha, ref: run.branch, state: "success", isProduction: false, url };
  await asProject(deps.db, run.projectId, (tx) =>
    noteDeployment(tx, { projectId: run.projectId, ...seen }, systemActor),
  );
}
