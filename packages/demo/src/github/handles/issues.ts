import { addComment } from "../add-comment.ts";
import { createIssue } from "../create-issue.ts";
import { editIssue } from "../edit-issue.ts";
import { fullNameOf, issueOf, repositoryOf, userOf } from "../find.ts";
import type { Hub, Issue } from "../hub.ts";
import { addLabels, removeLabel } from "../labels.ts";
import { renderIssue } from "../render-issue.ts";
import { renderRepository } from "../render-repository.ts";
import { actorOf, type OnIssue, type Repo } from "./who.ts";

type OpenIssue = Repo & { author: string; title: string; body?: string | null; labels?: string[] };

/** What people do to issues (labels, texts and comments of pull requests too), each with its webhooks. */
export function issueHandles(hub: Hub) {
  const find = ({ repo, number, by }: OnIssue) => {
    const repository = repositoryOf(hub, repo);
    return { repository, issue: issueOf(repository, number), sender: actorOf(hub, repository, by) };
  };
  return {
    /** Opens an issue: webhooks `opened`, then one `labeled` for each label. */
    openIssue({ repo, author, title, body = null, labels = [] }: OpenIssue): {
      number: number;
      id: number;
      url: string;
    } {
      const repository = repositoryOf(hub, repo);
      const { number, id } = createIssue(hub, repository, {
        title,
        body,
        labels,
        author: userOf(hub, author),
      });
      return { number, id, url: `${hub.origin}/${fullNameOf(repository)}/issues/${number}` };
    },
    async editIssue({ title, body, ...on }: OnIssue & { title?: string; body?: string | null }): Promise<void> {
      const { repository, issue, sender } = find(on);
      const edit = {
        ...(title === undefined ? {} : { title }),
        ...(body === undefined ? {} : { body }),
      };
      await editIssue(hub, repository, issue, edit, sender);
    },
    async closeIssue({
      reason = "completed",
      ...on
    }: OnIssue & { reason?: "completed" | "not_planned" }): Promise<void> {
      const { repository, issue, sender } = find(on);
      await editIssue(hub, repository, issue, { state: "closed", stateReason: reason }, sender);
    },
    async reopenIssue(on: OnIssue): Promise<void> {
      const { repository, issue, sender } = find(on);
      await editIssue(hub, repository, issue, { state: "open" }, sender);
    },
    deleteIssue(on: OnIssue): void {
      const { repository, issue, sender } = find(on);
      repository.issues.delete(issue.number);
      hub.emit(repository, "issues", { action: "deleted", issue: renderIssue(hub, repository, issue) }, sender);
    },
    /** Moves an issue to another repository, under a new number there. */
    transferIssue({ to, ...on }: OnIssue & { to: string }): { number: number } {
      const { repository, issue, sender } = find(on);
      const target = repositoryOf(hub, to);
      const before = renderIssue(hub, repository, issue);
      repository.issues.delete(issue.number);
      const moved: Issue = { ...issue, id: hub.newId(), number: target.nextNumber++ };
      target.issues.set(moved.number, moved);
      const changes = {
        new_issue: renderIssue(hub, target, moved),
        new_repository: renderRepository(hub, target),
      };
      hub.emit(repository, "issues", { action: "transferred", issue: before, changes }, sender);
      return { number: moved.number };
    },
    async addLabel({ label, ...on }: OnIssue & { label: string }): Promise<void> {
      const { repository, issue, sender } = find(on);
      await addLabels(hub, repository, issue, [label], sender);
    },
    async removeLabel({ label, ...on }: OnIssue & { label: string }): Promise<void> {
      const { repository, issue, sender } = find(on);
      await removeLabel(hub, repository, issue, label, sender);
    },
    comment({ body, ...on }: OnIssue & { body: string }): { id: number } {
      const { repository, issue, sender } = find(on);
      return { id: addComment(hub, repository, issue, body, sender).id };
    },
  };
}
