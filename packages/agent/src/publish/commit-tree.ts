import { botEmail } from "../core/run-marker.ts";
import { runGit, type GitDeps } from "../git/run-git.ts";

const botName = "feedback-chat[bot]";

/** The message is ours to the last byte; the run id in it is how a later look knows the commit. */
export function commitMessage({ issueNumber, runId }: { issueNumber: number; runId: string }): string {
  return `Implement the feedback of issue #${issueNumber}\n\nRun: ${runId}\n`;
}

/** Makes the bot's commit object; no work tree, no index, no hook, no signature. */
export async function commitTree(
  deps: GitDeps,
  gitDir: string,
  commit: { treeId: string; parentSha: string; message: string; at: Date },
): Promise<string> {
  const date = `${Math.floor(commit.at.getTime() / 1000)} +0000`;
  const env = {
    GIT_AUTHOR_NAME: botName,
    GIT_AUTHOR_EMAIL: botEmail,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: botName,
    GIT_COMMITTER_EMAIL: botEmail,
    GIT_COMMITTER_DATE: date,
  };
  const args = ["commit-tree", commit.treeId, "-p", commit.parentSha];
  return (await runGit(deps, args, { gitDir, input: commit.message, env })).toString("utf8").trim();
}
