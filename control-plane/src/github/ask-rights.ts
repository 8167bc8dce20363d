import { botLabel } from "@feedback-chat/agent/core/labels";
import type { Permission } from "@feedback-chat/agent/core/gate";
import { isSameLabel } from "../core/issue-event.ts";
import type { ProjectGitHub } from "./github-for.ts";
import { ignoringStatus } from "./ignoring-status.ts";
import { type Account, hasTriage, permissionOf } from "./permission-of.ts";
import { storable } from "./read-issue.ts";

export type Asked = Account & { permission: Permission | null };
export type RightsAnswer = {
  author: Asked;
  /** Null: nobody is known to have asked. */
  asker: Asked | null;
  hadBotLabel: boolean;
  comments: { author: string; body: string }[];
};

type Question = {
  issueNumber: number;
  author: string;
  /** Who put the trigger label there, if the event said so; else GitHub's history of the issue does. */
  askedBy: string | null;
  askedById: number | null;
  triggerLabel: string;
};

const maxComments = 300;

/** Asks GitHub who wrote the issue, who asked for a run, and what maintainers said about it. */
export async function askRights(
  github: ProjectGitHub,
  { issueNumber, author, askedBy, askedById, triggerLabel }: Question,
): Promise<RightsAnswer> {
  const known = new Map<string, Promise<Permission | null>>();
  const ask = (account: Account) => {
    const key = `${account.id} ${account.login}`;
    const asked = known.get(key) ?? permissionOf(github, account);
    known.set(key, asked);
    return asked;
  };
  const rightsOf = async (account: Account): Promise<Asked> => ({ ...account, permission: await ask(account) });
  const labelled = await listLabelled(github, issueNumber);
  const asker =
    askedBy === null
      ? (labelled.findLast(({ label }) => isSameLabel(label, triggerLabel))?.by ?? null)
      : { login: askedBy, id: askedById };
  const [authorsRights, askersRights] = await Promise.all([
    authorOf(github, issueNumber).then((now) => rightsOf(now ?? { login: author, id: null })),
    asker === null ? null : rightsOf(asker),
  ]);
  return {
    author: authorsRights,
    asker: askersRights,
    hadBotLabel: labelled.some(({ label }) => isSameLabel(label, botLabel)),
    comments: await admittedComments(github, issueNumber, ask),
  };
}

/** As GitHub knows the account now, whatever its login was when the issue was written; null when it is gone. */
async function authorOf({ octokit, named }: ProjectGitHub, issueNumber: number): Promise<Account | null> {
  const { data } = await octokit.rest.issues.get({ ...named, issue_number: issueNumber });
  return data.user && { login: data.user.login, id: data.user.id };
}

/** Which labels were ever put on the issue, and by whom, oldest first. */
async function listLabelled(
  { octokit, named }: ProjectGitHub,
  issueNumber: number,
): Promise<{ label: string; by: Account | null }[]> {
  // All of them: the newest label stands at the end of a long history.
  const entries = await octokit
    .paginate(octokit.rest.issues.listEvents, { ...named, issue_number: issueNumber, per_page: 100 })
    // Not every server that speaks GitHub's API keeps this history.
    .catch(ignoringStatus(404));
  return (entries ?? []).flatMap((entry) =>
    entry.event === "labeled" && "label" in entry && entry.label?.name
      ? [{ label: entry.label.name, by: entry.actor ? { login: entry.actor.login, id: entry.actor.id } : null }]
      : [],
  );
}

/** Only what people with triage rights wrote: everybody may comment on a public issue. */
async function admittedComments(
  { octokit, named }: ProjectGitHub,
  issueNumber: number,
  ask: (account: Account) => Promise<Permission | null>,
): Promise<{ author: string; body: string }[]> {
  const comments = [];
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    ...named,
    issue_number: issueNumber,
    per_page: 100,
  });
  for await (const { data } of pages) {
    comments.push(...data);
    if (comments.length >= maxComments) break;
  }
  const admitted = [];
  for (const { user, body, author_association: association } of comments) {
    // Spares a request for each stranger: without one of these nobody has rights.
    // What we wrote ourselves may quote a stranger, under the name of the token's owner.
    if (
      !user ||
      !body ||
      body.includes("<!-- feedback-chat:") ||
      !["OWNER", "MEMBER", "COLLABORATOR"].includes(association)
    )
      continue;
    if (hasTriage(await ask({ login: user.login, id: user.id })))
      admitted.push({ author: user.login, body: storable(body) });
  }
  return admitted;
}
