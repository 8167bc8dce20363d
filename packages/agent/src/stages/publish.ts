import type { LeasedJob } from "@feedback-chat/protocol/job";
import type { TreeInfo } from "@feedback-chat/protocol/worker";
import type { Published } from "../core/publish-plan.ts";
import { pullRequestFor } from "../core/pull-request.ts";
import { runMarker } from "../core/run-marker.ts";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Coordinator } from "../ports/coordinator.ts";
import type { GitProtocol } from "../git/git-environment.ts";
import type { RunRepository } from "../ports/git.ts";
import type { Publish } from "../ports/publisher.ts";
import type { RunLog } from "../run-log.ts";

export type PublishTreeDeps = {
  publish: Publish;
  signal: AbortSignal;
  log: Pick<RunLog, "write" | "secrets">;
  coordinator: Pick<Coordinator, "permit">;
};

export type PublishTreeInput = {
  runId: string;
  job: Pick<LeasedJob, "issueNumber" | "repository" | "branch" | "origin" | "prNumber">;
  repository: Pick<RunRepository, "gitDir">;
  /** What the permit was given for. */
  tree: TreeInfo;
  /** The write token, asked for after the permit. */
  token: string;
  /** Login of who approved, if somebody did. */
  approvedBy: string | null;
  protocols?: GitProtocol[];
  lookAgainSeconds?: number[];
};

/**
 * Branch and draft pull request for exactly the tree that was judged, by a process of its own that sees no work tree.
 * The same call again, after a crash anywhere, ends in the same one branch and one pull request.
 * @throws Problem run_failed (`github_access`, `github_refused`, `secret_found`, `human_commit`, `pull_closed`,
 * `github_unavailable`); rate_limited with `waitFor: "github"`.
 */
export async function publishTree(
  { publish, signal, log, coordinator }: PublishTreeDeps,
  input: PublishTreeInput,
): Promise<Published> {
  const { runId, job, repository, tree, token, approvedBy } = input;
  const { id, fullName, cloneUrl, apiUrl } = job.repository;
  const text = pullRequestFor({
    evidence: tree.evidence,
    origin: job.origin,
    approvedBy,
    runMarker: runMarker(runId),
    baseNote: null,
  });
  return publish(
    {
      signal,
      onStep: (step) => log.write("info", `publish: ${step.replace("_", " ")}`),
      confirmPermit: () => confirmPermit(coordinator, tree),
    },
    {
      runId,
      issueNumber: job.issueNumber,
      repository: { id, fullName, cloneUrl, apiUrl },
      gitDir: repository.gitDir,
      baseRef: tree.baseRef,
      baseSha: tree.baseSha,
      treeId: tree.treeId,
      branch: job.branch,
      prNumber: job.prNumber,
      ...text,
      isDraft: true,
      token,
      secrets: [...log.secrets()],
      ...(input.protocols ? { protocols: input.protocols } : {}),
      ...(input.lookAgainSeconds ? { lookAgainSeconds: input.lookAgainSeconds } : {}),
    },
  );
}

/** Fenced where the run is recorded: a lost lease, a cancel or a reject is a no. @throws Problem */
async function confirmPermit(coordinator: Pick<Coordinator, "permit">, tree: TreeInfo): Promise<void> {
  const answer = await coordinator.permit(tree.permit);
  if (!answer.granted) throw new Problem("not_permitted", answer.reason);
}
