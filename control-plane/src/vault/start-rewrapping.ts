import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { wakeClosedRuns } from "../credentials/wake-closed-runs.ts";
import { rewrapSecrets } from "./rewrap-secrets.ts";

/**
 * At the start, and once a minute: a replica that still had the old key alone may have sealed with it, and a row that
 * did not open may be right again.
 */
export function startRewrapping(deps: AppDeps): Doing {
  const rhythm = { name: "vault", everySeconds: deps.config.figures.sweepEverySeconds * 12, channel: null };
  return keepDoing(deps, rhythm, async (stopped) => {
    deps.vault.unreadable = await rewrapSecrets(deps, stopped);
    await wakeClosedRuns(deps);
  });
}
