import { addDeploymentStatus, createDeployment } from "../create-deployment.ts";
import { editIssue } from "../edit-issue.ts";
import { markReady } from "../edit-pull.ts";
import { pullOf, repositoryOf } from "../find.ts";
import type { CheckRun, CommitStatus, DeploymentState, Hub } from "../hub.ts";
import { type Merge, mergePull } from "../merge-pull.ts";
import { actorOf, type OnIssue, type Repo } from "./who.ts";

type Deployed = Repo & {
  sha: string;
  ref?: string;
  /** "Preview" unless told; "Production" is the production environment. */
  environment?: string;
  state?: DeploymentState;
  environmentUrl?: string;
  by?: string;
};
type Checked = Repo & { sha: string; name: string } & Partial<Pick<CheckRun, "status" | "conclusion">>;

/** What a maintainer, the CI and a host do to a pull request. */
export function pullHandles(hub: Hub) {
  return {
    /** Merges, closes what the body's closing words name, and gives the merge commit. A draft is made ready first. */
    async mergePull({
      repo,
      number,
      by,
      method = "merge",
    }: OnIssue & { method?: NonNullable<Merge["method"]> }): Promise<string> {
      const repository = repositoryOf(hub, repo);
      const issue = pullOf(repository, number);
      const sender = actorOf(hub, repository, by);
      await markReady(hub, repository, issue, sender);
      return mergePull(hub, repository, issue, { method }, sender);
    },
    async closePull({ repo, number, by }: OnIssue): Promise<void> {
      const repository = repositoryOf(hub, repo);
      await editIssue(hub, repository, pullOf(repository, number), { state: "closed" }, actorOf(hub, repository, by));
    },
    /** A deployment with its status, as a host reports it: webhooks `deployment` and `deployment_status`. */
    createDeployment({
      repo,
      sha,
      ref = sha,
      environment = "Preview",
      state = "success",
      environmentUrl,
      by,
    }: Deployed): { id: number } {
      const repository = repositoryOf(hub, repo);
      const creator = actorOf(hub, repository, by);
      const deployment = createDeployment(hub, repository, { ref, sha, environment, creator });
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
      const { owner: creator, statuses } = repositoryOf(hub, repo);
      statuses.unshift({
        id: hub.newId(),
        sha,
        state,
        context,
        description: null,
        targetUrl: null,
        creator,
        createdAt: hub.now(),
      });
    },
    createCheckRun({ repo, sha, name, status = "completed", conclusion = "success" }: Checked): void {
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
  };
}
