import type { Permission, RightsFacts } from "../core/gate.ts";
import { botLabel } from "../core/labels.ts";
import { asked, listAll } from "./ask-github.ts";
import { appLogin, tokenOwner } from "./token-owner.ts";
import type { RawSnapshot, Repository } from "@feedback-chat/protocol/job";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Octokit } from "@octokit/rest";

export type IssueFacts = {
  repository: Repository;
  isArchived: boolean;
  isOpen: boolean;
  snapshot: RawSnapshot;
  asker: string;
  rights: Pick<RightsFacts, "hasFeedbackBotLabelEver" | "author" | "authorPermission" | "asker" | "askerPermission">;
};

type Deps = { octokit: Octokit; now(): Date };
type Wanted = { fullName: string; issueNumber: number; githubUrl: string };

/** More authors of comments than that are not asked about: their words stay out, as a stranger's do. */
const maxAskedAuthors = 20;

/**
 * What the gate has to know about an issue, read once: its words as they stand now, and who stands behind them.
 * @throws Problem not_found, github_access, github_unreachable, rate_limited
 */
export async function readIssue({ octokit, now }: Deps, wanted: Wanted): Promise<IssueFacts> {
  const [owner = "", repo = ""] = wanted.fullName.split("/");
  const where = { owner, repo, issue_number: wanted.issueNumber };
  const ask = <T>(what: string, call: () => Promise<{ data: T }>) => asked({ now }, what, call);

  const { data: repository } = await ask(`the repository ${wanted.fullName}`, () => octokit.repos.get(where));
  const { data: issue } = await ask(`the issue ${wanted.fullName}#${wanted.issueNumber}`, () =>
    octokit.issues.get(where),
  );
  const comments = await ask("the issue's comments", () =>
    listAll(octokit.issues.listComments, { ...where, per_page: 100 }),
  );
  const wasBots = await everCarriedBotLabel({ octokit, now }, where);
  const tokenOf = await tokenOwner({ octokit, now });

  const author = issue.user?.login ?? "";
  const labels = issue.labels.map((label) => (typeof label === "string" ? label : (label.name ?? "")));
  const others = [...new Set(comments.data.map(({ user }) => user?.login ?? ""))].filter(
    (login) => login !== "" && login !== author,
  );
  const users = [issue.user, tokenOf, ...comments.data.map((comment) => comment.user)];
  // As GitHub has them now: logins can be renamed and taken by somebody else, ids cannot.
  const ids = new Map(users.flatMap((user) => (user ? [[user.login, user.id] as const] : [])));
  const asker = tokenOf?.login ?? appLogin;
  const asking = [author, asker, ...others.slice(0, maxAskedAuthors)];
  const permissions = await permissionsOf({ octokit, now }, { owner, repo, logins: asking, ids });
  const named = (login: string) => ({ login, id: ids.get(login) ?? null });

  return {
    repository: {
      id: repository.id,
      fullName: repository.full_name,
      cloneUrl: `${wanted.githubUrl.replace(/\/$/, "")}/${repository.full_name}.git`,
      apiUrl: octokit.request.endpoint.DEFAULTS.baseUrl,
      isPrivate: repository.private,
    },
    isArchived: repository.archived,
    isOpen: issue.state === "open",
    asker,
    snapshot: {
      issueNumber: issue.number,
      issueUrl: issue.html_url,
      title: issue.title,
      body: issue.body ?? "",
      labels,
      author,
      comments: comments.data.flatMap(({ user, body }) =>
        maySpeak(permissions.get(user?.login ?? "")) && body ? [{ author: user?.login ?? "", body }] : [],
      ),
      frozenAt: now().toISOString(),
    },
    rights: {
      hasFeedbackBotLabelEver: wasBots || labels.includes(botLabel),
      author: author === "" ? null : named(author),
      asker: named(asker),
      authorPermission: permissions.get(author) ?? null,
      askerPermission: tokenOf ? (permissions.get(asker) ?? null) : "write",
    },
  };
}

/** Taking the label off changes nothing. A history that cannot be read counts as the public's. */
async function everCarriedBotLabel(
  { octokit, now }: Deps,
  where: { owner: string; repo: string; issue_number: number },
): Promise<boolean> {
  try {
    const list = () => listAll(octokit.issues.listEvents, { ...where, per_page: 100 });
    const { data } = await asked({ now }, "the issue's history", list);
    return data.some((event) => event.event === "labeled" && "label" in event && event.label?.name === botLabel);
  } catch (error) {
    if (isProblem(error, "not_found") || isProblem(error, "github_access")) return true;
    throw error;
  }
}

type Asking = { owner: string; repo: string; logins: string[]; ids: ReadonlyMap<string, number> };

async function permissionsOf(
  deps: Deps,
  { owner, repo, logins, ids }: Asking,
): Promise<ReadonlyMap<string, Permission | null>> {
  const permissions = new Map<string, Permission | null>();
  for (const login of new Set(logins)) {
    const id = ids.get(login);
    if (id !== undefined) permissions.set(login, await permissionOf(deps, { owner, repo, login, id }));
  }
  return permissions;
}

async function permissionOf(
  { octokit, now }: Deps,
  { owner, repo, login, id }: { owner: string; repo: string; login: string; id: number },
): Promise<Permission | null> {
  try {
    const { data } = await asked({ now }, `the rights of ${login}`, () =>
      octokit.repos.getCollaboratorPermissionLevel({ owner, repo, username: login }),
    );
    if (data.user?.id !== id) return null; // renamed a moment ago, and somebody else has the name
    // `role_name` knows triage and maintain, `permission` only their older neighbours.
    return known.find((name) => name === data.role_name) ?? known.find((name) => name === data.permission) ?? null;
  } catch (error) {
    // A token that may not ask, or a deleted account: nothing is known, which counts as a stranger.
    if (isProblem(error, "not_found") || isProblem(error, "github_access")) return null;
    throw error;
  }
}

const known: Permission[] = ["none", "read", "triage", "write", "maintain", "admin"];

function maySpeak(permission: Permission | null | undefined): boolean {
  return permission === "triage" || permission === "write" || permission === "maintain" || permission === "admin";
}
