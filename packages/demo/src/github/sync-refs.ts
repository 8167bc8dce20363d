import { fullNameOf } from "./find.ts";
import type { Hub, Repository, User } from "./hub.ts";
import { editIssue, tellIssue } from "./edit-issue.ts";
import { htmlUrl } from "./render-repository.ts";
import type { PullIssue } from "./render-pull.ts";
import { git, readRefs } from "./run-git.ts";

const none = "0".repeat(40);
type RefChange = { ref: string; before: string; after: string };

/**
 * Looks what a push, a merge or a ref route has changed and does what follows from it: `push` webhooks, pull
 * requests that get a new head, pull requests whose branch is gone.
 */
export function syncRefs(hub: Hub, repository: Repository, sender: User): Promise<void> {
  // One look at a time: of two pushes at once, the older view must not come last.
  const look = repository.lastSync.then(() => lookAndFollow(hub, repository, sender));
  repository.lastSync = look.then(
    () => {},
    () => {},
  );
  return look;
}

async function lookAndFollow(hub: Hub, repository: Repository, sender: User): Promise<void> {
  const now = await readRefs(hub, repository.gitDir);
  const before = repository.refs;
  repository.refs = now;
  const names = new Set([...before.keys(), ...now.keys()]);
  const changes = [...names]
    .map((ref) => ({ ref, before: before.get(ref) ?? none, after: now.get(ref) ?? none }))
    .filter((change) => change.before !== change.after);
  if (changes.length > 0) repository.pushedAt = hub.now();
  for (const change of changes) {
    hub.emit(repository, "push", await pushPayload(hub, repository, change, sender), sender);
    await follow(hub, repository, change, sender);
  }
}

async function follow(
  hub: Hub,
  repository: Repository,
  { ref, before, after }: RefChange,
  sender: User,
): Promise<void> {
  for (const issue of repository.issues.values()) {
    if (!issue.pull || issue.state === "closed" || `refs/heads/${issue.pull.headRef}` !== ref) continue;
    if (after === none) {
      await editIssue(hub, repository, issue, { state: "closed" }, sender);
      continue;
    }
    issue.pull.headSha = after;
    issue.updatedAt = hub.now();
    await git(hub, repository.gitDir, ["update-ref", `refs/pull/${issue.number}/head`, after]);
    await tellIssue(hub, repository, issue as PullIssue, "synchronize", sender, { before, after });
  }
}

async function pushPayload(hub: Hub, repository: Repository, { ref, before, after }: RefChange, sender: User) {
  const isCreated = before === none;
  const isDeleted = after === none;
  const range = isCreated ? [after, "--not", ...others(repository, ref)] : [`${before}..${after}`];
  const commits = isDeleted ? [] : await readCommits(hub, repository, ["--reverse", "--max-count=20", ...range]);
  const [head] = isDeleted ? [null] : await readCommits(hub, repository, ["--max-count=1", after]);
  return {
    ref, before, after, created: isCreated, deleted: isDeleted,
    forced: !isCreated && !isDeleted && (await isForced(hub, repository, before, after)),
    base_ref: null,
    compare: `${htmlUrl(hub, repository)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits, head_commit: head ?? null, pusher: { name: sender.login, email: sender.email },
  }; // prettier-ignore
}

function others(repository: Repository, ref: string): string[] {
  return [...repository.refs].filter(([name]) => name !== ref).map(([, sha]) => sha);
}

async function isForced(hub: Hub, repository: Repository, before: string, after: string): Promise<boolean> {
  return Number(await git(hub, repository.gitDir, ["rev-list", "--count", "--max-count=1", before, `^${after}`])) > 0;
}

async function readCommits(hub: Hub, repository: Repository, args: string[]) {
  const format = "--format=%x1e%H%x1f%T%x1f%cI%x1f%an%x1f%ae%x1f%cn%x1f%ce%x1f%B%x1f";
  const options = ["log", format, "--name-status", "--no-renames", "--first-parent", "-m", "-z"];
  const text = await git(hub, repository.gitDir, [...options, ...args, "--"]);
  return text
    .split("\x1e")
    .slice(1)
    .map((record) => {
      const [id, tree_id, date, an, ae, cn, ce, message = "", files = ""] = record.split("\x1f");
      const names = files
        .replace(/^[\0\n]+/, "")
        .split("\0")
        .filter(Boolean);
      const withStatus = (letter: string) => names.filter((_, at) => at % 2 === 1 && names[at - 1] === letter);
      return {
      id, tree_id, distinct: true, message: message.trimEnd(), timestamp: date,
      url: `${hub.origin}/${fullNameOf(repository)}/commit/${id}`,
      author: { name: an, email: ae, username: an }, committer: { name: cn, email: ce, username: cn },
      added: withStatus("A"), removed: withStatus("D"), modified: withStatus("M"),
    }; // prettier-ignore
    });
}
