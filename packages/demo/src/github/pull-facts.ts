import type { Hub, Issue, Repository } from "./hub.ts";
import { type PullFacts, type PullIssue, renderPull } from "./render-pull.ts";
import { git, tryGit } from "./run-git.ts";

export type ChangedFile = {
  filename: string;
  status: string;
  additions: number;
  deletions: number;
  sha: string;
  patch: string | null;
};

/** What a pull request changes, against the merge base as GitHub counts it. */
export async function listPullFiles(hub: Hub, repository: Repository, { pull }: PullIssue): Promise<ChangedFile[]> {
  const range = `${pull.baseSha}...${pull.headSha}`;
  const diff = ["diff", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const raw = await git(hub, repository.gitDir, [...diff, "--raw", "--no-abbrev", "-z", range]);
  const stat = await git(hub, repository.gitDir, [...diff, "--numstat", "-z", range]);
  const counts = new Map(stat.split("\0").filter(Boolean).map(readNumstat));
  const parts = raw.split("\0").filter(Boolean);
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, , oldSha = "", newSha = "", letter = "M"] = parts[at]!.split(" ");
    const filename = parts[at + 1]!;
    const count = counts.get(filename) ?? { additions: 0, deletions: 0, isBinary: false };
    const patch = count.isBinary
      ? null
      : patchOf(await git(hub, repository.gitDir, [...diff, range, "--", `:(literal)${filename}`]));
    const status = letter === "A" ? "added" : letter === "D" ? "removed" : "modified";
    files.push({
      filename,
      status,
      additions: count.additions,
      deletions: count.deletions,
      sha: letter === "D" ? oldSha : newSha,
      patch,
    });
  }
  return files;
}

function readNumstat(line: string): [string, { additions: number; deletions: number; isBinary: boolean }] {
  const [added = "0", deleted = "0", name = ""] = line.split("\t");
  return [name, { additions: Number(added) || 0, deletions: Number(deleted) || 0, isBinary: added === "-" }];
}

// GitHub's `patch` begins at the first hunk, without git's header.
function patchOf(diff: string): string | null {
  const start = diff.indexOf("\n@@");
  return start < 0 ? null : diff.slice(start + 1).trimEnd();
}

export async function readPullFacts(hub: Hub, repository: Repository, issue: PullIssue): Promise<PullFacts> {
  const { pull } = issue;
  const range = `${pull.baseSha}...${pull.headSha}`;
  const stat = await git(hub, repository.gitDir, ["diff", "--no-renames", "--numstat", "-z", range]);
  const counts = stat
    .split("\0")
    .filter(Boolean)
    .map((line) => readNumstat(line)[1]);
  const commits = await git(hub, repository.gitDir, ["rev-list", "--count", `${pull.baseSha}..${pull.headSha}`]);
  return {
    mergeable: issue.state === "open" ? await canMerge(hub, repository, issue) : null,
    commits: Number(commits),
    additions: counts.reduce((sum, { additions }) => sum + additions, 0),
    deletions: counts.reduce((sum, { deletions }) => sum + deletions, 0),
    changedFiles: counts.length,
  };
}

async function canMerge(hub: Hub, repository: Repository, { pull }: PullIssue): Promise<boolean> {
  const base = repository.refs.get(`refs/heads/${pull.baseRef}`);
  if (!base) return false;
  const { code } = await tryGit(hub, repository.gitDir, ["merge-tree", "--write-tree", base, pull.headSha]);
  return code === 0;
}

/** The common part of every `pull_request` webhook; GitHub's carry neither `auto_merge` nor null facts for it. */
export async function pullPayload(hub: Hub, repository: Repository, issue: Issue, action: string) {
  const whole = issue as PullIssue;
  const facts = await readPullFacts(hub, repository, whole);
  return { action, number: issue.number, pull_request: renderPull(hub, repository, whole, facts) };
}
