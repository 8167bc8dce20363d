import type { Hub, Issue, Label, LabelChange, Repository, User } from "./hub.ts";
import { renderIssue, renderLabel } from "./render-issue.ts";
import { pullPayload } from "./pull-facts.ts";

/** The repository's label of that name, made in grey when it is new: GitHub does so on the issue routes. */
export function ensureLabel(hub: Hub, repository: Repository, name: string): Label {
  const known = repository.labels.get(name.toLowerCase());
  if (known) return known;
  const label: Label = { id: hub.newId(), name, color: "ededed", description: null };
  repository.labels.set(name.toLowerCase(), label);
  return label;
}

/** Puts labels on an issue or a pull request; each new one sends its own `labeled`. */
export async function addLabels(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  names: string[],
  sender: User,
): Promise<void> {
  for (const name of names) {
    const label = ensureLabel(hub, repository, name);
    if (issue.labels.some(({ id }) => id === label.id)) continue;
    issue.labels.push(label);
    issue.updatedAt = hub.now();
    await tell(hub, repository, issue, "labeled", label, sender);
  }
}

/** Gives false when the label was not on it. */
export async function removeLabel(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  name: string,
  sender: User,
): Promise<boolean> {
  const label = issue.labels.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (!label) return false;
  issue.labels = issue.labels.filter((one) => one !== label);
  issue.updatedAt = hub.now();
  await tell(hub, repository, issue, "unlabeled", label, sender);
  return true;
}

export async function setLabels(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  names: string[],
  sender: User,
): Promise<void> {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const superfluous = issue.labels.filter((label) => !wanted.has(label.name.toLowerCase()));
  for (const label of superfluous) await removeLabel(hub, repository, issue, label.name, sender);
  await addLabels(hub, repository, issue, names, sender);
}

export function noteLabel(hub: Hub, issue: Issue, change: Pick<LabelChange, "event" | "label" | "actor">): void {
  issue.labelHistory.push({ id: hub.newId(), createdAt: hub.now(), ...change });
}

async function tell(
  hub: Hub,
  repository: Repository,
  issue: Issue,
  action: LabelChange["event"],
  label: Label,
  sender: User,
): Promise<void> {
  noteLabel(hub, issue, { event: action, label, actor: sender });
  const rendered = renderLabel(hub, repository, label);
  if (issue.pull) {
    hub.emit(
      repository,
      "pull_request",
      { ...(await pullPayload(hub, repository, issue, action)), label: rendered },
      sender,
    );
  } else {
    hub.emit(repository, "issues", { action, issue: renderIssue(hub, repository, issue), label: rendered }, sender);
  }
}
