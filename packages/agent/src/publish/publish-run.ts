import type { PublishPlan, PublishStep, Published } from "../core/publish-plan.ts";
import { makeRedactor } from "../core/redact.ts";
import { requireTree } from "../git/pack-tree.ts";
import { readDiff } from "../git/read-diff.ts";
import type { GitDeps } from "../git/run-git.ts";
import type { Clock } from "../ports/clock.ts";
import type { GitHubPublisher, Pull } from "../ports/github.ts";
import { runFailure } from "../ports/run-failure.ts";
import { commitMessage, commitTree } from "./commit-tree.ts";
import { describeBase } from "./describe-base.ts";
import { requireNoSecrets } from "../git/require-no-secrets.ts";
import { archived } from "./github-trouble.ts";
import { rivalOf, rivalPatterns } from "../core/branch.ts";
import { lookHeads, noFreeName, type Remote } from "../git/look-heads.ts";
import { type BranchNow, lookBranch } from "./look-branch.ts";
import { isOwnPull, lookNames, type Name } from "./look-names.ts";
import { humanCommit, requireWanted, unavailable } from "./publish-refusals.ts";
import { pushBranch } from "./push-branch.ts";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";

/** No further look begins after it: the server gives publishing 15 minutes, and a look takes some of its own. */
const publishingMs = 13 * 60_000;

export type PublishDeps = GitDeps & {
  clock: Clock;
  github: GitHubPublisher;
  onStep(step: PublishStep): void;
  /** Before each write. @throws when the permit does not hold any more: nothing is written then. */
  confirmPermit(): Promise<void>;
};

/**
 * Tree -> commit -> branch -> pull request. Each step looks by run id before it acts, so the same call again, after a
 * crash anywhere or a lost answer, ends in the same one branch and one pull request.
 * @throws Problem run_failed, rate_limited (waitFor: github); what was pushed by then stays.
 */
export async function publishRun(deps: PublishDeps, plan: PublishPlan): Promise<Published> {
  await requireTree(deps, plan.gitDir, plan.treeId);
  const redactor = makeRedactor(
    plan.token ? [...plan.secrets, { name: "GitHub token", value: plan.token }] : plan.secrets,
  );
  const { changes } = await readDiff(deps, plan.gitDir, plan);
  requireNoSecrets(redactor, changes);
  const waits = [...plan.lookAgainSeconds];
  const untilMs = deps.clock.monotonicMs() + publishingMs;
  for (;;) {
    try {
      return await lookAndAct(deps, plan, {
        clean: redactor.text,
        changedPaths: changes.map(({ path }) => path),
      });
    } catch (error) {
      const seconds = waits.shift();
      if (!isProblem(error, "github_unreachable")) throw error;
      if (seconds === undefined || deps.clock.monotonicMs() + seconds * 1000 > untilMs) throw unavailable(error);
      await deps.clock.wait(seconds * 1000, deps.signal);
      deps.signal.throwIfAborted();
    }
  }
}

type Content = { clean(text: string): string; changedPaths: string[] };

async function lookAndAct(deps: PublishDeps, plan: PublishPlan, content: Content): Promise<Published> {
  const now = await deps.github.look();
  if (now.isArchived) throw archived();
  const remote = remoteOf(plan, now.fullName);
  const { names, heads } = await lookNames(deps, plan, remote);
  let isBlocked = false;
  for (const [index, name] of names.entries()) {
    // The name without a folder is for where git cannot hold the folder, unless this run has taken it already.
    if (index > 0 && !name.branch.includes("/") && !isBlocked) break;
    const published = await publishOn(deps, { plan, remote, content, name, heads });
    if (published !== "taken" && published !== "blocked") return published;
    isBlocked ||= published === "blocked";
  }
  throw await noFreeName(deps, remote, plan.branch);
}

type Place = { plan: PublishPlan; remote: Remote; content: Content; name: Name; heads: ReadonlyMap<string, string> };

/**
 * `taken`: commits or a pull request that are not this run's stand there. They are left as they are. `blocked`: git can
 * hold no such branch beside another one.
 */
async function publishOn(deps: PublishDeps, place: Place): Promise<Published | "taken" | "blocked"> {
  const { plan, remote, content, heads } = place;
  const { branch, head, pull, isBlocked } = place.name;
  const isOwn = isOwnPull(plan, pull);
  if (isBlocked && !isOwn) return "blocked";
  if (head.is === "human") throw humanCommit(branch, head.author);
  if (head.is === "foreign" && !isOwn) return "taken";
  requireWanted(pull);
  deps.onStep("looked");
  // Merged meanwhile: a person has the whole of it, and pushing more would change nothing.
  if (pull?.isMerged) return publishedOf(branch, pull, pull.headSha);
  // Its commits were replaced under our pull request.
  if (head.is === "foreign") throw humanCommit(branch, head.author);
  // Opened by hand from our branch: its words are that person's.
  if (pull && !isOwn) return "taken";
  const base = await describeBase(deps, remote, { ...plan, changedPaths: content.changedPaths, heads });
  const headSha = await bringBranch(deps, plan, remote, { branch, head });
  if (headSha === "taken" || headSha === "blocked") return headSha;
  const body = content.clean([...base.notes, plan.body].join("\n\n"));
  if (pull) {
    deps.onStep("pull_adopted");
    await deps.confirmPermit();
    await deps.github.updatePull(pull.number, { body });
    return publishedOf(branch, pull, headSha);
  }
  const made = await openPull(deps, plan, { branch, title: content.clean(plan.title), body });
  return made === "taken" ? made : publishedOf(branch, made, headSha);
}

/** Answers the head's sha once the branch holds our tree, or why it cannot (as `publishOn`) when a stranger was faster. */
async function bringBranch(
  deps: PublishDeps,
  plan: PublishPlan,
  remote: Remote,
  { branch, head }: { branch: string; head: BranchNow },
): Promise<string> {
  if (head.is === "ours" && head.treeId === plan.treeId) return head.headSha;
  const leftAt = head.is === "ours" ? head.headSha : null;
  const commitSha = await commitTree(deps, plan.gitDir, {
    treeId: plan.treeId,
    parentSha: leftAt ?? plan.baseSha,
    message: commitMessage(plan),
    at: deps.clock.now(),
  });
  deps.onStep("committed");
  await deps.confirmPermit();
  const pushed = await pushBranch(deps, remote, { branch, commitSha, expectedSha: leftAt });
  if (pushed.is === "pushed") {
    deps.onStep("pushed");
    return commitSha;
  }
  // Somebody was faster, perhaps our own earlier push whose answer was lost.
  const heads = await lookHeads(deps, remote, [branch, ...rivalPatterns(branch)]);
  if (rivalOf(branch, heads.keys())) return "blocked";
  if ((heads.get(branch) ?? null) === leftAt) throw pushed.refusal;
  const again = await lookBranch(deps, remote, { branch, runId: plan.runId, heads });
  if (again.is === "ours" && again.treeId === plan.treeId) return again.headSha;
  if (again.is === "human") throw humanCommit(branch, again.author);
  if (again.is === "foreign") return "taken";
  throw runFailure("github_refused", `The branch "${branch}" was moved while we pushed.`, {
    next: "Retry: a new run gets a branch of its own.",
  });
}

async function openPull(
  deps: PublishDeps,
  plan: PublishPlan,
  pull: { branch: string; title: string; body: string },
): Promise<Pull | "taken"> {
  await deps.confirmPermit();
  const made = await deps.github.createPull({
    ...pull,
    base: plan.baseRef,
    isDraft: plan.isDraft,
    runId: plan.runId,
  });
  if (made) {
    deps.onStep("pull_created");
    return made;
  }
  const found = await deps.github.findPull(pull.branch, plan.runId);
  requireWanted(found);
  // It may be ours, made by a call whose answer was lost: another name now could end in two.
  if (!found) throw new Problem("github_unreachable", `A pull request for "${pull.branch}" exists, and is not shown.`);
  if (!found.isOfThisRun) return "taken";
  deps.onStep("pull_adopted");
  return found;
}

function publishedOf(branch: string, pull: Pull, headSha: string): Published {
  return { prNumber: pull.number, prUrl: pull.url, headSha, branch, isDraft: pull.isDraft };
}

// Same origin as always: only the path may follow a rename.
function remoteOf({ gitDir, repository, token, protocols }: PublishPlan, fullName: string): Remote {
  const url = new URL(repository.cloneUrl);
  if (!protocols.includes("file") && fullName !== repository.fullName) url.pathname = `/${fullName}.git`;
  return {
    gitDir,
    url: url.href,
    token: token === null ? null : { origin: url.origin, value: token },
  };
}
