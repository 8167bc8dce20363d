import { randomBytes } from "node:crypto";
import { addComment } from "./add-comment.ts";
import { addDeploymentStatus, createDeployment } from "./create-deployment.ts";
import { createIssue } from "./create-issue.ts";
import {
  commitFiles,
  createRepository,
  type FileContent,
  type NewRepository,
} from "./create-repository.ts";
import { editIssue } from "./edit-issue.ts";
import { markReady } from "./edit-pull.ts";
import { createHook } from "./hook-routes.ts";
import {
  type CheckRun, type CommitStatus, type DeploymentState, fullNameOf, type Hub, type Issue, issueOf, type Level, type Permission,
  type Permissions, pullOf, type Repository, repositoryOf, type Role, type Token, userOf,
} from "./hub.ts"; // prettier-ignore
import { addLabels, removeLabel } from "./labels.ts";
import { type Merge, mergePull } from "./merge-pull.ts";
import { renderIssue } from "./render-issue.ts";
import { renderRepository } from "./render-repository.ts";
import { git } from "./run-git.ts";
import { syncRefs } from "./sync-refs.ts";

/** `owner/name` */
type Repo = { repo: string };
type OnIssue = Repo & {
  number: number;
  /** Login of who does it; the repository's owner unless told. */ by?: string;
};

export type NewToken = {
  login: string;
  /**
   * `classic` (default): everything its scopes say, `["repo", "workflow"]` unless told. `fine_grained` and
   * `installation` (its login ends with `[bot]`): exactly `permissions`, in `repositories`.
   */
  kind?: Token["kind"];
  scopes?: string[];
  permissions?: Permissions;
  /** `owner/name`s; all that the login reaches unless told. */
  repositories?: string[];
  expiresAt?: Date;
};

/** What a person, GitHub itself or a host would do: plain functions for tests and for the demo. */
export function githubHandles(
  hub: Hub,
  pingHook: (repository: Repository, hook: ReturnType<typeof createHook>) => void,
) {
  const actor = (repository: Repository, login?: string) =>
    login ? userOf(hub, login) : repository.owner;

  return {
    /** Makes a token and gives its value. A user that it names for the first time is made. */
    addToken(wanted: NewToken): string {
      const {
        login,
        kind = "classic",
        scopes = kind === "classic" ? ["repo", "workflow"] : [],
        expiresAt = null,
      } = wanted;
      const prefix = { classic: "ghp_", fine_grained: "github_pat_", installation: "ghs_" }[kind];
      const value = prefix + randomBytes(18).toString("hex");
      const user = userOf(hub, login, kind === "installation" ? "Bot" : "User");
      const ids = wanted.repositories?.map((name) => repositoryOf(hub, name).id);
      const permissions =
        kind === "classic" ? permissionsOfScopes(scopes) : (wanted.permissions ?? {});
      hub.tokens.set(value, {
        kind,
        user,
        scopes,
        permissions,
        repositoryIds: ids ? new Set(ids) : null,
        expiresAt,
      });
      return value;
    },
    /** From now on the token is answered with 401. */
    revokeToken(value: string): void {
      hub.tokens.delete(value);
    },
    addUser(
      login: string,
      type: "User" | "Organization" | "Bot" = "User",
    ): { id: number; login: string } {
      const { id, login: name } = userOf(hub, login, type);
      return { id, login: name };
    },
    /** A real bare repository, of `files`, of a folder, or empty. */
    async createRepository(
      wanted: NewRepository,
    ): Promise<{ id: number; fullName: string; gitDir: string; cloneUrl: string }> {
      const repository = await createRepository(hub, wanted);
      const fullName = fullNameOf(repository);
      return {
        id: repository.id,
        fullName,
        gitDir: repository.gitDir,
        cloneUrl: `${hub.origin}/${fullName}.git`,
      };
    },
    setRole({ repo, login, role }: Repo & { login: string; role: Role }): void {
      repositoryOf(hub, repo).roles.set(userOf(hub, login).login.toLowerCase(), role);
    },
    archiveRepository({ repo }: Repo): void {
      repositoryOf(hub, repo).isArchived = true;
    },
    disableIssues({ repo }: Repo): void {
      repositoryOf(hub, repo).hasIssues = false;
    },
    /** The old name goes on answering 301 to the id, and git 301 to the new address. */
    renameRepository({ repo, name }: Repo & { name: string }): void {
      const repository = repositoryOf(hub, repo);
      repository.formerNames.push(fullNameOf(repository));
      repository.name = name;
    },
    /** A push to it is refused with GH006. */
    protectBranch({ repo, branch }: Repo & { branch: string }): void {
      repositoryOf(hub, repo).protectedBranches.add(branch);
    },
    /** Commits to a branch as a person's push would, with all that follows; a null deletes the file. Gives the commit. */
    async pushFiles(
      pushed: Repo & {
        branch: string;
        files: Record<string, FileContent | null>;
        message?: string;
        by?: string;
        from?: string;
      },
    ): Promise<string> {
      const repository = repositoryOf(hub, pushed.repo);
      const sender = actor(repository, pushed.by);
      const { branch, files, message = "Change files" } = pushed;
      const start =
        pushed.from ??
        (repository.refs.has(`refs/heads/${branch}`) ? undefined : repository.defaultBranch);
      if (start) await git(hub, repository.gitDir, ["update-ref", `refs/heads/${branch}`, start]);
      const sha = await commitFiles(hub, repository.gitDir, {
        branch,
        message,
        files,
        author: sender.login,
      });
      await syncRefs(hub, repository, sender);
      return sha;
    },
    async deleteBranch({
      repo,
      branch,
      by,
    }: Repo & { branch: string; by?: string }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await git(hub, repository.gitDir, ["update-ref", "-d", `refs/heads/${branch}`]);
      await syncRefs(hub, repository, actor(repository, by));
    },
    /** Registers a webhook as its settings page does: with a ping, without a token. Gives its id. */
    addHook({
      repo,
      url,
      secret,
      events = ["*"],
      contentType = "json",
    }: Repo & {
      url: string;
      secret?: string;
      events?: string[];
      contentType?: "json" | "form";
    }): number {
      const repository = repositoryOf(hub, repo);
      const hook = createHook(hub, repository, {
        url,
        secret: secret ?? null,
        contentType,
        events,
        isActive: true,
      });
      pingHook(repository, hook);
      return hook.id;
    },

    /** Opens an issue: webhooks `opened`, then one `labeled` for each label. */
    openIssue({
      repo,
      author,
      title,
      body = null,
      labels = [],
    }: Repo & { author: string; title: string; body?: string | null; labels?: string[] }): {
      number: number;
      id: number;
      url: string;
    } {
      const repository = repositoryOf(hub, repo);
      const issue = createIssue(hub, repository, {
        title,
        body,
        labels,
        author: userOf(hub, author),
      });
      return {
        number: issue.number,
        id: issue.id,
        url: `${hub.origin}/${fullNameOf(repository)}/issues/${issue.number}`,
      };
    },
    async editIssue({
      repo,
      number,
      by,
      ...edit
    }: OnIssue & { title?: string; body?: string | null }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await editIssue(hub, repository, issueOf(repository, number), edit, actor(repository, by));
    },
    async closeIssue({
      repo,
      number,
      by,
      reason = "completed",
    }: OnIssue & { reason?: "completed" | "not_planned" }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await editIssue(
        hub,
        repository,
        issueOf(repository, number),
        { state: "closed", stateReason: reason },
        actor(repository, by),
      );
    },
    async reopenIssue({ repo, number, by }: OnIssue): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await editIssue(
        hub,
        repository,
        issueOf(repository, number),
        { state: "open" },
        actor(repository, by),
      );
    },
    deleteIssue({ repo, number, by }: OnIssue): void {
      const repository = repositoryOf(hub, repo);
      const issue = issueOf(repository, number);
      repository.issues.delete(number);
      hub.emit(
        repository,
        "issues",
        { action: "deleted", issue: renderIssue(hub, repository, issue) },
        actor(repository, by),
      );
    },
    /** Moves an issue to another repository, under a new number there. */
    transferIssue({ repo, number, to, by }: OnIssue & { to: string }): { number: number } {
      const [repository, target] = [repositoryOf(hub, repo), repositoryOf(hub, to)];
      const issue = issueOf(repository, number);
      const before = renderIssue(hub, repository, issue);
      repository.issues.delete(number);
      const moved: Issue = { ...issue, id: hub.newId(), number: target.nextNumber++ };
      target.issues.set(moved.number, moved);
      const changes = {
        new_issue: renderIssue(hub, target, moved),
        new_repository: renderRepository(hub, target),
      };
      hub.emit(
        repository,
        "issues",
        { action: "transferred", issue: before, changes },
        actor(repository, by),
      );
      return { number: moved.number };
    },
    async addLabel({ repo, number, label, by }: OnIssue & { label: string }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await addLabels(hub, repository, issueOf(repository, number), [label], actor(repository, by));
    },
    async removeLabel({ repo, number, label, by }: OnIssue & { label: string }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await removeLabel(hub, repository, issueOf(repository, number), label, actor(repository, by));
    },
    comment({ repo, number, body, by }: OnIssue & { body: string }): { id: number } {
      const repository = repositoryOf(hub, repo);
      return {
        id: addComment(hub, repository, issueOf(repository, number), body, actor(repository, by))
          .id,
      };
    },

    /** Merges, closes what the body's closing words name, and gives the merge commit. A draft is made ready first. */
    async mergePull({
      repo,
      number,
      by,
      method = "merge",
    }: OnIssue & { method?: NonNullable<Merge["method"]> }): Promise<string> {
      const repository = repositoryOf(hub, repo);
      const issue = pullOf(repository, number);
      await markReady(hub, repository, issue, actor(repository, by));
      return mergePull(hub, repository, issue, { method }, actor(repository, by));
    },
    async closePull({ repo, number, by }: OnIssue): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await editIssue(
        hub,
        repository,
        pullOf(repository, number),
        { state: "closed" },
        actor(repository, by),
      );
    },
    /** A deployment with its status, as a host reports it: webhooks `deployment` and `deployment_status`. */
    createDeployment(
      wanted: Repo & {
        sha: string;
        ref?: string;
        environment?: string;
        state?: DeploymentState;
        environmentUrl?: string;
        by?: string;
      },
    ): { id: number } {
      const repository = repositoryOf(hub, wanted.repo);
      const { sha, ref = sha, environment = "Preview", state = "success", environmentUrl } = wanted;
      const creator = actor(repository, wanted.by);
      const deployment = createDeployment(hub, repository, { sha, ref, environment, creator });
      addDeploymentStatus(hub, repository, deployment, {
        state,
        creator,
        ...(environmentUrl ? { environmentUrl } : {}),
      });
      return { id: deployment.id };
    },
    createStatus({
      repo,
      sha,
      state,
      context = "ci",
    }: Repo & Pick<CommitStatus, "sha" | "state"> & { context?: string }): void {
      const repository = repositoryOf(hub, repo);
      repository.statuses.unshift({
        id: hub.newId(),
        sha,
        state,
        context,
        description: null,
        targetUrl: null,
        creator: repository.owner,
        createdAt: hub.now(),
      });
    },
    createCheckRun({
      repo,
      sha,
      name,
      status = "completed",
      conclusion = "success",
    }: Repo & { sha: string; name: string } & Partial<
        Pick<CheckRun, "status" | "conclusion">
      >): void {
      const at = hub.now();
      const completedAt = status === "completed" ? at : null;
      repositoryOf(hub, repo).checkRuns.unshift({
        id: hub.newId(),
        sha,
        name,
        status,
        conclusion,
        startedAt: at,
        completedAt,
      });
    },

    /** What stands in a repository now, for a test's expectations. Refs are full names (`refs/heads/main`). */
    lookAt(repo: string): RepositoryView {
      const repository = repositoryOf(hub, repo);
      const all = [...repository.issues.values()];
      return {
        refs: Object.fromEntries(repository.refs),
        issues: all.filter(({ pull }) => !pull).map(viewIssue),
        pulls: all.flatMap((issue) =>
          issue.pull ? [{ ...viewIssue(issue), ...viewPull(issue.pull) }] : [],
        ),
      };
    },
  };
}

export type IssueView = {
  number: number;
  title: string;
  body: string | null;
  state: "open" | "closed";
  stateReason: string | null;
  author: string;
  labels: string[];
  comments: { id: number; author: string; body: string }[];
};
export type PullView = IssueView & {
  head: string;
  headSha: string;
  base: string;
  isDraft: boolean;
  isMerged: boolean;
};
export type RepositoryView = {
  refs: Record<string, string>;
  issues: IssueView[];
  pulls: PullView[];
};

function viewIssue({
  number,
  title,
  body,
  state,
  stateReason,
  author,
  labels,
  comments,
}: Issue): IssueView {
  const said = comments.map((comment) => ({
    id: comment.id,
    author: comment.author.login,
    body: comment.body,
  }));
  return {
    number,
    title,
    body,
    state,
    stateReason,
    author: author.login,
    labels: labels.map(({ name }) => name),
    comments: said,
  };
}

function viewPull({
  headRef: head,
  headSha,
  baseRef: base,
  isDraft,
  mergedAt,
}: NonNullable<Issue["pull"]>) {
  return { head, headSha, base, isDraft, isMerged: mergedAt !== null };
}

function permissionsOfScopes(scopes: string[]): Permissions {
  const all: Permission[] = [
    "metadata",
    "contents",
    "issues",
    "pull_requests",
    "deployments",
    "statuses",
    "checks",
    "repository_hooks",
    "administration",
  ];
  const given = (permissions: Permission[], level: Level) =>
    Object.fromEntries(permissions.map((name) => [name, level]));
  return {
    ...(scopes.includes("repo") ? given(all, "write") : {}),
    ...(scopes.includes("admin:repo_hook") ? given(["repository_hooks"], "write") : {}),
    ...(scopes.includes("workflow") ? given(["workflows"], "write") : {}),
  };
}
