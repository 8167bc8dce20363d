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
