import { cleanText } from "../core/clean-log.ts";
import { tryGit, type GitDeps } from "../git/run-git.ts";
import type { Problem } from "@feedback-chat/protocol/problem";
import { runFailure } from "../ports/run-failure.ts";
import { archived } from "./github-trouble.ts";
import { remoteProblem, type Remote } from "../git/look-heads.ts";

/**
 * Pushes one commit to one branch, and only while the branch stands at `expectedSha` (null: does not exist).
 * `moved` = it seems not to: look again. `refusal` is what GitHub said, for a branch that stands where it stood. Never forces, never deletes.
 * @throws Problem run_failed `github_access`, `github_refused`; github_unreachable when the answer was lost: look again.
 */
export async function pushBranch(
  deps: GitDeps,
  remote: Remote,
  push: { branch: string; commitSha: string; expectedSha: string | null },
): Promise<{ is: "pushed" } | { is: "moved"; refusal: Problem }> {
  const { branch, commitSha, expectedSha } = push;
  const ref = `refs/heads/${branch}`;
  // The lease is what makes this create-only, or a fast-forward from exactly where we left it.
  const args = [
    "push",
    "--porcelain",
    "--no-verify",
    "--no-signed",
    "--no-follow-tags",
    `--force-with-lease=${ref}:${expectedSha ?? ""}`,
    "--",
    remote.url,
    `${commitSha}:${ref}`,
  ];
  const result = await tryGit(deps, args, {
    gitDir: remote.gitDir,
    token: remote.token,
    timeoutSeconds: 300,
  });
  if (result.exitCode === 0) return { is: "pushed" };
  const answer = `${result.stdout.toString("utf8")}\n${result.stderr}`;
  if (
    /\[(?:remote )?rejected\] \((?:stale info|directory file conflict|already exists|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already exists)/i.test(
      answer,
    )
  )
    return { is: "moved", refusal: refused(answer) };
  if (/archived/i.test(answer)) throw archived();
  if (/without `?workflows?`? (?:permission|scope)/i.test(answer)) throw workflowsMissing(answer);
  if (/\[(?:remote )?rejected\]|remote: error|GH\d{3}/i.test(answer)) throw refused(answer);
  throw remoteProblem(args, result);
}

function workflowsMissing(answer: string) {
  return runFailure("github_refused", `GitHub lets this token change no workflow file. It said: ${wordsOf(answer)}`, {
    next: "Download the diff and push it yourself, or leave `.github/workflows` out of the change.",
  });
}

function refused(answer: string) {
  return runFailure("github_refused", `GitHub refused the push: ${wordsOf(answer)}`, {
    next: "Let the repository's rules allow this branch, or set another `branchPrefix` in the project's settings, then retry. The diff is kept.",
  });
}

function wordsOf(answer: string): string {
  const lines = cleanText(answer)
    .split("\n")
    .filter((line) => /^remote:|rejected|^!/.test(line));
  return lines
    .map((line) => line.replace(/^remote:\s*/, "").trim())
    .filter(Boolean)
    .join(" ")
    .slice(0, 600);
}
