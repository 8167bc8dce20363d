import type { Published, PublishRequest, PublishStep } from "../core/publish-plan.ts";

/**
 * Carries out a plan: branch and pull request for exactly one tree, by a process that sees no work tree. The same
 * plan again ends in the same one branch and one pull request.
 * @throws Problem run_failed, rate_limited
 */
export type Publish = (
  deps: { signal: AbortSignal; onStep(step: PublishStep): void },
  plan: PublishRequest,
) => Promise<Published>;

/**
 * A publisher that stands by: its process was started ahead, so that its start costs the run no time. It knows no plan
 * and no secret before `publish`, which is called at most once. When it is closed, no process is left.
 */
export type Publisher = AsyncDisposable & { publish: Publish };
export type OpenPublisher = () => Publisher;
