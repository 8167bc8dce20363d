import { type GitHubDeps, githubFor, type ProjectGitHub } from "./github-for.ts";
import { githubTrouble } from "./github-trouble.ts";

/** The issue as GitHub has it now, made fit to be stored. */
export type IssueNow = {
  number: number;
  title: string;
  body: string;
  labels: string[];
  author: string;
  url: string;
  state: string;
  updatedAt: string;
};

type ApiIssue = {
  number: number;
  title: string;
  body?: string | null;
  labels: (string | { name?: string | null })[];
  user: { login: string } | null;
  html_url: string;
  state: string;
  updated_at: string;
};

export function toIssueNow(issue: ApiIssue): IssueNow {
  const names = issue.labels.map((label) => (typeof label === "string" ? label : label.name));
  return {
    number: issue.number,
    title: storable(issue.title),
    body: storable(issue.body ?? ""),
    labels: names.filter((name) => typeof name === "string").map(storable),
    author: issue.user?.login ?? "ghost",
    url: issue.html_url,
    state: issue.state,
    updatedAt: issue.updated_at,
  };
}

/** Postgres stores neither NUL nor half a surrogate pair. */
export function storable(text: string): string {
  return text.replaceAll("\0", "").toWellFormed();
}

/** @returns `gone` when the issue is, null when GitHub cannot be asked now. */
export async function readIssue(
  deps: GitHubDeps,
  projectId: string,
  number: number,
): Promise<IssueNow | "gone" | null> {
  const github = await githubFor(deps, projectId);
  return github && askIssue(deps, github, number);
}

async function askIssue(
  { now }: { now: () => Date },
  { octokit, named }: ProjectGitHub,
  number: number,
): Promise<IssueNow | "gone" | null> {
  try {
    const { data } = await octokit.rest.issues.get({ ...named, issue_number: number });
    return toIssueNow(data);
  } catch (error) {
    return githubTrouble(error, now()).kind === "gone" ? "gone" : null;
  }
}
