import type { Published, PublishRequest, PublishStep } from "../core/publish-plan.ts";

export type PublishDeps = {
  /** Once aborted, the publisher and its git are gone within 2 s, whatever state they are in. */
  signal: AbortSignal;
  onStep(step: PublishStep): void;
  /** Asked before each write to GitHub. @throws what ends the publishing: the permit does not hold any more. */
  confirmPermit(): Promise<void>;
};

/**
 * Carries out a plan: branch and pull request for exactly one tree, by a process that sees no work tree. The same
 * plan again ends in the same one branch and one pull request.
 * @throws Problem run_failed, rate_limited; what `confirmPermit` throws
 */
export type Publish = (deps: PublishDeps, plan: PublishRequest) => Promise<Published>;

/**
 * A publisher that stands by: its process was started ahead, so that its start costs the run no time. It knows no plan
 * and no secret before `publish`, which is called at most once. When it is closed, no process is left.
 */
export type Publisher = AsyncDisposable & { publish: Publish };
export type OpenPublisher = () => Publisher;
