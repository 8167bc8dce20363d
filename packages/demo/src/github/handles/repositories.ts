import { commitFiles, createRepository, type FileContent, type NewRepository } from "../create-repository.ts";
import { createHook } from "../create-hook.ts";
import { fullNameOf, repositoryOf } from "../find.ts";
import type { Hook, Hub, Repository } from "../hub.ts";
import { git } from "../run-git.ts";
import { syncRefs } from "../sync-refs.ts";
import { actorOf, type Repo } from "./who.ts";

type NewHook = Repo & {
  url: string;
  secret?: string;
  events?: string[];
  contentType?: "json" | "form";
};
type Push = Repo & {
  branch: string;
  /** null deletes the file. */
  files: Record<string, FileContent | null>;
  message?: string;
  by?: string;
  /** Where a new branch begins; the default branch unless told. */
  from?: string;
};

/** Repositories, their settings and what people push. `ping` is what a new hook gets first. */
export function repositoryHandles(hub: Hub, ping: (repository: Repository, hook: Hook) => void) {
  return {
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
    archiveRepository({ repo }: Repo): void {
      repositoryOf(hub, repo).isArchived = true;
    },
    disableIssues({ repo }: Repo): void {
      repositoryOf(hub, repo).hasIssues = false;
    },
    /** The old name goes on answering 301 to the id, and git 301 to the new address. */
    renameRepository({ repo, name }: Repo & { name: string }): void {
      const repository = repositoryOf(hub, repo);
      const changes = { repository: { name: { from: repository.name } } };
      repository.formerNames.push(fullNameOf(repository));
      repository.name = name;
      hub.emit(repository, "repository", { action: "renamed", changes }, repository.owner);
    },
    /** What its ruleset asks of branches whose names begin so. */
    addRule({ repo, branches, ...rule }: Repo & { branches: string; type: string; parameters?: object }): void {
      repositoryOf(hub, repo).rules.push({ branches, rule });
    },
    /** A push to it is refused with GH006. */
    protectBranch({ repo, branch }: Repo & { branch: string }): void {
      repositoryOf(hub, repo).protectedBranches.add(branch);
    },
    /** Commits to a branch as a person's push would, with all that follows. Gives the commit. */
    async pushFiles({ repo, branch, files, message = "Change files", by, from }: Push): Promise<string> {
      const repository = repositoryOf(hub, repo);
      const sender = actorOf(hub, repository, by);
      const start = from ?? (repository.refs.has(`refs/heads/${branch}`) ? undefined : repository.defaultBranch);
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
    async deleteBranch({ repo, branch, by }: Repo & { branch: string; by?: string }): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await git(hub, repository.gitDir, ["update-ref", "-d", `refs/heads/${branch}`]);
      await syncRefs(hub, repository, actorOf(hub, repository, by));
    },
    /** Registers a webhook as its settings page does: with a ping, without a token. Gives its id. */
    addHook({ repo, url, secret, events = ["*"], contentType = "json" }: NewHook): number {
      const repository = repositoryOf(hub, repo);
      const hook = createHook(hub, repository, {
        url,
        secret: secret ?? null,
        contentType,
        events,
        isActive: true,
      });
      ping(repository, hook);
      return hook.id;
    },
  };
}
