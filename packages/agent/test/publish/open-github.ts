import { startGithub, type Github, type NewToken } from "@feedback-chat/demo/github-server";
import { openGitHub } from "../../src/publish/github.ts";
import { openOctokit } from "../../src/publish/open-octokit.ts";
import { publishPlan, type PublishPlan, type PublishRequest } from "../../src/core/publish-plan.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { cloneRepository } from "../../src/stages/clone.ts";
import { makeRedactor } from "../../src/core/redact.ts";
import { collectTree } from "../../src/stages/collect.ts";
import { makeFolder, put, type Content, type TestFolder } from "../git/make-repository.ts";
import { branch, runId } from "./plan-publish.ts";

export type GitHubBench = AsyncDisposable & {
  folder: TestFolder;
  github: Github;
  repository: { id: number; fullName: string; cloneUrl: string };
  token: string;
};

/** The local GitHub with one repository, and a token that may do what a run's may. */
export async function openGitHubBench(
  more: { token?: Partial<NewToken>; isPrivate?: boolean; files?: Record<string, string> } = {},
): Promise<GitHubBench> {
  const folder = makeFolder("agent-github-");
  const github = await startGithub({ folder: folder.at("github") });
  const repository = await github.createRepository({
    owner: "acme",
    name: "shop",
    files: more.files ?? { "a.txt": "1\n" },
    isPrivate: more.isPrivate ?? false,
    roles: { "feedback-chat[bot]": "write" },
  });
  const token = github.addToken({
    login: "feedback-chat[bot]",
    kind: "installation",
    permissions: { metadata: "read", contents: "write", pull_requests: "write", issues: "write" },
    repositories: ["acme/shop"],
    ...more.token,
  });
  return {
    folder,
    github,
    repository,
    token,
    async [Symbol.asyncDispose]() {
      await github.close();
      folder[Symbol.dispose]();
    },
  };
}

const deps = () => ({ clock: systemClock(), signal: new AbortController().signal });

/** Clones over HTTP, changes, collects: what a run has when its permit is given. */
export async function planOverHttp(
  { folder, github, repository, token }: GitHubBench,
  changes: Record<string, Content>,
  more: Partial<PublishRequest> = {},
): Promise<PublishPlan> {
  const apiUrl = github.url;
  const cloned = await cloneRepository(deps(), {
    repository: { ...repository, apiUrl, isPrivate: false },
    baseRef: null,
    token,
    cacheFolder: folder.at("cache"),
    runFolder: folder.at(`run-${Math.random().toString(36).slice(2)}`),
  });
  const tree = folder.at(`tree-${Math.random().toString(36).slice(2)}`);
  await cloned.exportTree(cloned.baseSha, tree);
  for (const [path, content] of Object.entries(changes)) put(tree, path, content);
  const { treeId } = await collectTree(deps(), {
    repository: cloned,
    treeFolder: tree,
    runFolder: folder.at("scratch"),
    protectedPaths: [],
    redactor: makeRedactor([]),
  });
  return publishPlan.parse({
    runId,
    issueNumber: 12,
    repository: { ...repository, apiUrl },
    gitDir: cloned.gitDir,
    baseRef: cloned.baseRef,
    baseSha: cloned.baseSha,
    treeId,
    branch,
    title: "Fix the basket",
    body: `What was done.\n\nRun: ${runId}`,
    isDraft: true,
    token,
    secrets: [],
    lookAgainSeconds: [0, 0, 0, 0, 0],
    ...more,
  });
}

export function openPublisherPort({ github, repository, token }: GitHubBench) {
  const octokit = openOctokit({ fetch, signal: new AbortController().signal }, { apiUrl: github.url, token });
  return openGitHub({ octokit, clock: systemClock() }, repository);
}
