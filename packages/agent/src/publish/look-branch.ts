import { remoteTrouble, accessFailure } from "../git/remote-trouble.ts";
import { gitError, type GitResult } from "../git/git-error.ts";
import { runGit, tryGit, type GitDeps } from "../git/run-git.ts";
import type { GitToken } from "../git/git-environment.ts";
import { Problem } from "@feedback-chat/protocol/problem";
import { githubWait } from "../ports/run-failure.ts";
import { botEmail } from "../core/run-marker.ts";

export type Remote = { gitDir: string; url: string; token: GitToken | null };

/** `ours`: the last commit is this run's. `human`: somebody committed onto ours. `foreign`: never was ours. */
export type BranchNow =
  | { is: "absent" }
  | { is: "ours"; headSha: string; treeId: string }
  | { is: "human"; headSha: string; author: string }
  | { is: "foreign"; headSha: string };

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

/** Whose the branch's last commits are, told by author, committer and the run id in the message; `heads` is of `lookHeads`. */
export async function lookBranch(
  deps: GitDeps,
  remote: Remote,
  { branch, runId, heads }: { branch: string; runId: string; heads: ReadonlyMap<string, string> },
): Promise<BranchNow> {
  const headSha = heads.get(branch);
  if (!headSha) return { is: "absent" };
  const { gitDir, url, token } = remote;
  const args = [
    "fetch",
    "--quiet",
    "--depth=20",
    "--no-tags",
    "--no-write-fetch-head",
    "--force",
    "--",
    url,
    `+refs/heads/${branch}:refs/feedback-chat/head`,
  ];
  const fetched = await tryGit(deps, args, { gitDir, token, timeoutSeconds: 300 });
  if (fetched.exitCode !== 0) throw remoteProblem(["fetch"], fetched);
  const format = "%H%x00%T%x00%ae%x00%ce%x00%cn%x00%(trailers:key=Run,valueonly,separator=%x2c)%x01";
  const log = (
    await runGit(deps, ["log", "-20", "--first-parent", `--format=${format}`, "refs/feedback-chat/head"], { gitDir })
  ).toString("utf8");
  const commits = log
    .split("\u0001")
    .map((line) => line.trim().split("\0"))
    .filter((fields) => fields.length === 6);
  const isOfRun = (fields: string[]) => fields[2] === botEmail && fields[5] === runId;
  // Who changes or rebases our commit leaves its author and its message, and is its committer.
  const isOurs = (fields: string[]) => isOfRun(fields) && fields[3] === botEmail;
  const [first] = commits;
  if (!first) throw new Error(`git log said nothing about ${headSha}`);
  const [sha = headSha, treeId = "", , , author = ""] = first;
  if (isOurs(first)) return { is: "ours", headSha: sha, treeId };
  return commits.some(isOfRun) ? { is: "human", headSha: sha, author } : { is: "foreign", headSha: sha };
}

/** What a failed git command against GitHub means for the run. */
export function remoteProblem(args: string[], result: GitResult): Error {
  const trouble = remoteTrouble(result);
  if (trouble === "access") return accessFailure(args[0] === "push" ? "write" : "read", result.stderr);
  if (trouble === "rate") return githubWait(60, "GitHub asks to slow down.");
  const error = gitError(args, result);
  return trouble === "unavailable" ? new Problem("github_unreachable", error.message, { cause: error }) : error;
}
