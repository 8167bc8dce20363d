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
  mergeSha: string | null;
};

/**
 * As the system: they are of all projects. Nobody has to merge an open pull request, so where there are very many each
 * round looks at others.
 */
export async function listPublished({ db }: Deps): Promise<PublishedRun[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<PublishedRun>`
      select r.id, r.project_id as "projectId", r.branch, r.github_pr_number as number, r.head_sha as "headSha",
        r.preview_url as "previewUrl", r.merge_sha as "mergeSha"
      from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
      where r.stage = 'preview_ready' and r.result is null and r.github_pr_number is not null and p.deleted_at is null
      order by random() limit 500`.execute(tx),
  );
  return rows;
}

/** Looks at one open pull request: what webhooks would have told. Errors of GitHub's are the caller's. */
export async function pollPull(deps: Deps, run: PublishedRun): Promise<void> {
  const github = await githubFor(deps, run.projectId);
  if (!github || run.mergeSha !== null) return;
  const { octokit, named } = github;
  const { data: pull } = await octokit.rest.pulls.get({ ...named, pull_number: run.number });
  if (pull.state === "closed") {
    const mergeSha = pull.merged ? (pull.merge_commit_sha ?? "") : null;
    const closed = { projectId: run.projectId, number: run.number, branch: run.branch, mergeSha };
    await asProject(deps.db, run.projectId, (tx) => notePull(tx, closed, systemActor));
    return;
  }
  if (run.previewUrl === null) await lookForPreview(deps, github, { ...run, headSha: pull.head.sha });
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
