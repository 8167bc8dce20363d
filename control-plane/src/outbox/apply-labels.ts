import { labels as labelTable, type Label, labelsFor } from "@feedback-chat/agent/core/labels";
import { hasLabel, isSameLabel } from "../core/issue-event.ts";
import type { ProjectGitHub } from "../github/github-for.ts";
import type { ProjectedIssue } from "./find-issue-of.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";

/**
 * Brings the labels of ours on an issue to what its newest run's stage says; those of others stay.
 * @returns why there was nothing to do, or null.
 */
export async function applyLabels(github: ProjectGitHub, issue: ProjectedIssue): Promise<string | null> {
  const { octokit, named } = github;
  const on = { ...named, issue_number: issue.number };
  const { data } = await octokit.rest.issues.listLabelsOnIssue({ ...on, per_page: 100 });
  const present = data.map(({ name }) => name);
  const plan = planOf(issue);
  const missing = plan.add.filter((label) => !hasLabel(present, label));
  const extra = present.filter((label) => plan.remove.some((one) => isSameLabel(one, label)));
  if (missing.length > 0) {
    for (const name of missing) await createLabel(github, name);
    await octokit.rest.issues.addLabels({ ...on, labels: missing });
  }
  for (const name of extra) await octokit.rest.issues.removeLabel({ ...on, name }).catch(ignoringStatus(404));
  return missing.length + extra.length === 0 ? "the labels are right already" : null;
}

/** A person closed the issue: it keeps its trigger label, so that opening it again starts a new run. */
function planOf({ stage, reason, triggerLabel }: ProjectedIssue) {
  if (reason === "issue_closed") return { add: [], remove: ["in-progress"] };
  return labelsFor(stage, triggerLabel);
}

/** Makes the labels of ours that the repository does not have; what people made of the others stays. */
export async function createLabels(github: ProjectGitHub, triggerLabel: string): Promise<string | null> {
  const { octokit, named } = github;
  const all = await octokit.paginate(octokit.rest.issues.listLabelsForRepo, { ...named, per_page: 100 });
  const present = all.map(({ name }) => name);
  const missing = [...new Set([...Object.keys(labelTable), triggerLabel])].filter((name) => !hasLabel(present, name));
  for (const name of missing) await createLabel(github, name);
  return missing.length === 0 ? "the labels are there already" : null;
}

async function createLabel({ octokit, named }: ProjectGitHub, name: string): Promise<void> {
  const known = Object.hasOwn(labelTable, name) ? labelTable[name as Label] : undefined;
  const { color, description } = known ?? labelTable["auto-implement"];
  // 422: it is there already, perhaps with a colour of the repository's own.
  await octokit.rest.issues.createLabel({ ...named, name, color, description }).catch(ignoringStatus(422));
}
