import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { rewrapSecrets } from "./rewrap-secrets.ts";

/** At the start, and now and then: a replica that still had the old key alone may have sealed with it. */
export function startRewrapping(deps: AppDeps): Doing {
  const rhythm = { name: "vault", everySeconds: deps.config.figures.sweepEverySeconds * 12, channel: null };
  return keepDoing(deps, rhythm, (stopped) => rewrapSecrets(deps, stopped));
}
