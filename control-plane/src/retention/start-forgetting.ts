import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { forgetOld } from "./forget-old.ts";

/** At the start and every hour. */
export function startForgetting(deps: AppDeps): Doing {
  const rhythm = { name: "retention", everySeconds: deps.config.figures.sweepEverySeconds * 720, channel: null };
  return keepDoing(deps, rhythm, (stopped) => forgetOld(deps, stopped));
}
