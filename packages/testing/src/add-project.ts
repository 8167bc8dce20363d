import { randomUUID } from "node:crypto";
import type { Github } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { createProjectAnswer, credential, project } from "@feedback-chat/protocol/project";
import {
  actionAnswer,
  logPage,
  type LogLine,
  type Run,
  type RunDetail,
  runDetail,
  runPage,
} from "@feedback-chat/protocol/run";
import type { Action } from "@feedback-chat/protocol/run-machine";
import { callApi, isServerDown } from "./call-api.ts";
import { waitUntil } from "./wait-until.ts";

type Deps = { github: Github; url: string; token: string };
export type NewProject = {
  /** Of the owner `acme`. */
  repo?: string;
  settings?: Record<string, unknown> | undefined;
  modelKey?: string;
};

/** A repository with the shop, its project with credentials and webhook: all that one tenant sets up. */
export async function addProject(
  deps: Deps,
  { repo = "shop", settings = {}, modelKey = `sk-ant-canary-${randomUUID()}` }: NewProject,
) {
  const { github } = deps;
  const fullName = `acme/${repo}`;
  const { gitDir, id: repositoryId } = await github.createRepository({
    owner: "acme",
    name: repo,
    fromFolder: shopFolder,
    roles: { "feedback-app": "triage", "pipeline-bot": "write" },
  });
  const made = await callApi(deps, {
    method: "POST",
    path: "/v1/projects",
    answer: createProjectAnswer,
    body: { name: repo, githubRepo: fullName, settings },
  });
  const projectId = made.project.id;
  const secrets = {
    github: github.addToken({ login: "pipeline-bot" }),
    model: modelKey,
    webhook: made.webhook.secret,
    apiKey: made.apiKey,
  };
  for (const [type, value] of [
    ["github_token", secrets.github],
    ["anthropic_api_key", secrets.model],
  ])
    await callApi(deps, {
      method: "POST",
      path: `/v1/projects/${projectId}/credentials`,
      answer: credential,
      body: { type, value },
    });
  github.addHook({ repo: fullName, url: made.webhook.url, secret: made.webhook.secret });
  return { projectId, fullName, repositoryId, gitDir, secrets, ...projectVerbs(deps, { projectId, fullName }) };
}

/** What people do with a project, and what they see of it. */
function projectVerbs(deps: Deps, { projectId, fullName }: { projectId: string; fullName: string }) {
  /** The newest first, one page; `query` as the API takes it. */
  const runs = async (query = ""): Promise<Run[]> =>
    (await callApi(deps, { method: "GET", path: `/api/runs/${projectId}${query}`, answer: runPage })).items;
  return {
    runs,
    runOf: (runId: string): Promise<RunDetail> =>
      callApi(deps, { method: "GET", path: `/v1/runs/${runId}`, answer: runDetail }),
    logsOf: (runId: string) => readAllLogs(deps, runId),
    openIssue: (change: { title?: string; body?: string } = {}) =>
      deps.github.openIssue({
        repo: fullName,
        author: "feedback-app",
        ...shopFeedback,
        ...change,
      }),
    act: (runId: string, action: Action, comment?: string) =>
      callApi(deps, {
        method: "POST",
        path: `/api/runs/${projectId}/${runId}/action`,
        answer: actionAnswer,
        body: { action, ...(comment ? { comment } : {}) },
      }),
    patchSettings: (settings: Record<string, unknown>) =>
      callApi(deps, {
        method: "PATCH",
        path: `/v1/projects/${projectId}`,
        answer: project,
        body: { settings },
      }),
    /** The newest run, once `is` holds of it. */
    async runThat(what: string, is: (run: Run) => boolean, seconds = 120): Promise<Run> {
      let seen: Run[] = [];
      const look = async () => {
        try {
          seen = await runs();
        } catch (error) {
          // The server may be down at this very moment: that is the test.
          if (!isServerDown(error)) throw error;
        }
        return seen.find(is);
      };
      return waitUntil(what, look, { seconds, seen: () => seen });
    },
  };
}

async function readAllLogs(deps: Deps, runId: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (let after: number | null = 0; after !== null;) {
    const path = `/v1/runs/${runId}/logs?after=${after}&limit=1000`;
    const page: { lines: LogLine[]; next: number | null } = await callApi(deps, {
      method: "GET",
      path,
      answer: logPage,
    });
    lines.push(...page.lines);
    after = page.next;
  }
  return lines;
}
