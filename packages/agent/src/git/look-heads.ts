import { branchNames, rivalOf, rivalPatterns } from "../core/branch.ts";
import { cleanText } from "../core/clean-log.ts";
import { githubWait, runFailure } from "../ports/run-failure.ts";
import { Problem } from "@feedback-chat/protocol/problem";
import type { GitToken } from "./git-environment.ts";
import { gitError, type GitResult } from "./git-error.ts";
import { accessFailure, remoteTrouble } from "./remote-trouble.ts";
import { tryGit, type GitDeps } from "./run-git.ts";

export type Remote = { gitDir: string; url: string; token: GitToken | null };

/** Heads of the branches that exist, by name. */
export async function lookHeads(
  deps: GitDeps,
  { url, token }: Remote,
  branches: string[],
): Promise<Map<string, string>> {
  const args = ["ls-remote", "--heads", "--", url, ...branches.map((branch) => `refs/heads/${branch}`)];
  const result = await tryGit(deps, args, { gitDir: null, token, timeoutSeconds: 60 });
  if (result.exitCode !== 0) throw remoteProblem(args, result);
  const lines = result.stdout.toString("utf8").split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => [line.slice(line.indexOf("\t") + "\trefs/heads/".length), line.slice(0, line.indexOf("\t"))]),
  );
}

/** What stands in the way of every name of a run's branch. */
export async function noFreeName(deps: GitDeps, remote: Remote, branch: string): Promise<Problem> {
  const names = branchNames(branch);
  const heads = await lookHeads(deps, remote, [...names, ...names.flatMap(rivalPatterns)]);
  const hasRival = names.some((name) => rivalOf(name, heads.keys()));
  const tried = names.filter((name) => hasRival || name.includes("/"));
  const found = tried.map((name) => {
    const rival = rivalOf(name, heads.keys());
    return rival ? `"${name}" (in its way: the branch "${rival}")` : `"${name}" (taken)`;
  });
  return runFailure("github_refused", `No name is left for the branch: ${cleanText(found.join(", "))}.`, {
    next: "Delete or rename what is in the way, or set another `branchPrefix` in the project's settings, then retry.",
  });
}

/** What a failed git command against GitHub means for the run. */
export function remoteProblem(args: string[], result: GitResult): Error {
  const trouble = remoteTrouble(result);
  if (trouble === "access") return accessFailure(args[0] === "push" ? "write" : "read", result.stderr);
  if (trouble === "rate") return githubWait(60, "GitHub asks to slow down.");
  const error = gitError(args, result);
  return trouble === "unavailable" ? new Problem("github_unreachable", error.message, { cause: error }) : error;
}
