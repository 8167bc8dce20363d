import type { Octokit } from "@octokit/rest";
import type { Clock } from "../ports/clock.ts";
import type { GitHubPublisher, Pull, RepositoryNow } from "../ports/github.ts";
import { runFailure } from "../ports/run-failure.ts";
import { githubProblem, isConflict, messageOf } from "./github-trouble.ts";

type Deps = { octokit: Octokit; clock: Clock };
type Named = { owner: string; repo: string };
type PullAnswer = {
  number: number;
  html_url: string;
  state: string;
  merged_at?: string | null;
  draft?: boolean;
  body: string | null;
  head: { sha: string; ref: string };
};

/** GitHub's REST API as the publisher's port. The repository is known by its id; its name may change at any time. */
export function openGitHub({ octokit, clock }: Deps, repository: { id: number; fullName: string }): GitHubPublisher {
  let named = nameOf(repository.fullName);
  const ask = <T>(call: () => Promise<T>): Promise<T> =>
    call().catch((error: unknown) => {
      throw githubProblem(error, clock.now());
    });
  return {
    look: () =>
      ask(async () => {
        const now = await lookById(octokit, repository, named);
        named = nameOf(now.fullName);
        return now;
      }),
    findPull: (branch, runId) => ask(() => findPull(octokit, named, { branch, runId })),
    createPull: (input) => ask(() => createPull(octokit, named, input)),
    updatePull: (number, { body }) =>
      ask(async () => void (await octokit.rest.pulls.update({ ...named, pull_number: number, body }))),
    commentOnce: (number, marker, body) => ask(() => commentOnce(octokit, named, { number, marker, body })),
    headOf: (branch) => ask(() => headOf(octokit, named, branch)),
  };
}

async function findPull(
  octokit: Octokit,
  named: Named,
  { branch, runId }: { branch: string; runId: string },
): Promise<Pull | null> {
  const { data } = await octokit.rest.pulls.list({
    ...named,
    state: "all",
    head: `${named.owner}:${branch}`,
    per_page: 100,
  });
  const pulls = data.filter(({ head }) => head.ref === branch).map((pull) => pullOf(pull, runId));
  return (
    pulls.find(({ isOfThisRun }) => isOfThisRun) ?? pulls.find(({ state }) => state === "open") ?? pulls[0] ?? null
  );
}

async function commentOnce(
  octokit: Octokit,
  named: Named,
  { number, marker, body }: { number: number; marker: string; body: string },
): Promise<void> {
  const comments = await octokit.paginate(octokit.rest.issues.listComments, {
    ...named,
    issue_number: number,
    per_page: 100,
  });
  if (comments.some((comment) => comment.body?.includes(marker))) return;
  await octokit.rest.issues.createComment({
    ...named,
    issue_number: number,
    body: `${body}\n\n${marker}`,
  });
}

async function headOf(octokit: Octokit, named: Named, branch: string): Promise<string | null> {
  const found = await octokit.rest.git.getRef({ ...named, ref: `heads/${branch}` }).catch(nothingAt404);
  return found?.data.object.sha ?? null;
}

function nothingAt404(error: unknown): null {
  if (error instanceof Error && "status" in error && error.status === 404) return null;
  throw error;
}

// By name first, which is the documented way and follows a rename; by id when another repository has the name now.
async function lookById(octokit: Octokit, repository: { id: number }, named: Named): Promise<RepositoryNow> {
  const byName = await octokit.rest.repos.get(named).catch(nothingAt404);
  const answer =
    byName?.data.id === repository.id ? byName : await octokit.request("GET /repositories/{id}", { id: repository.id });
  const {
    full_name: fullName,
    archived,
    default_branch: defaultBranch,
  } = answer.data as { full_name: string; archived?: boolean; default_branch: string };
  return { fullName, isArchived: archived ?? false, defaultBranch };
}

async function createPull(
  octokit: Octokit,
  named: Named,
  input: Parameters<GitHubPublisher["createPull"]>[0],
): Promise<Pull | null> {
  const { branch, base, title, body, isDraft, runId } = input;
  const create = (draft: boolean) => octokit.rest.pulls.create({ ...named, head: branch, base, title, body, draft });
  try {
    return pullOf((await create(isDraft)).data, runId);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const said = messageOf(error);
    if (/already exists/i.test(said)) return null;
    if (isDraft && /draft pull requests are not supported/i.test(said))
      return pullOf((await create(false)).data, runId);
    if (/\bbase\b.*invalid|base invalid/i.test(said)) throw baseIsGone(base);
    throw error;
  }
}

export function baseIsGone(base: string) {
  return runFailure("github_refused", `The base branch "${base}" does not exist any more.`, {
    next: "Choose another base branch in the project's settings, then retry. The diff is kept.",
  });
}

function pullOf(pull: PullAnswer, runId: string): Pull {
  return {
    number: pull.number,
    url: pull.html_url,
    state: pull.state === "open" ? "open" : "closed",
    isMerged: (pull.merged_at ?? null) !== null,
    isDraft: pull.draft ?? false,
    isOfThisRun: (pull.body ?? "").includes(runId),
    headSha: pull.head.sha,
  };
}

function nameOf(fullName: string): Named {
  const [owner = "", repo = ""] = fullName.split("/");
  return { owner, repo };
}
