import { remoteProblem, type Remote } from "../git/look-heads.ts";
import { runGit, tryGit, type GitDeps } from "../git/run-git.ts";
import { botEmail } from "../core/run-marker.ts";

/** `ours`: the last commit is this run's. `human`: somebody committed onto ours. `foreign`: never was ours. */
export type BranchNow =
  | { is: "absent" }
  | { is: "ours"; headSha: string; treeId: string }
  | { is: "human"; headSha: string; author: string }
  | { is: "foreign"; headSha: string; author: string };

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
  return { is: commits.some(isOfRun) ? "human" : "foreign", headSha: sha, author };
}
