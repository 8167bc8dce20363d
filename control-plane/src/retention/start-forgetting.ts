import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { forgetSessions } from "../sessions/forget-sessions.ts";
import { forgetOld } from "./forget-old.ts";

/** At the start, every hour, and when a project is to go at once. */
export function startForgetting(deps: AppDeps): Doing {
  const rhythm = {
    name: "retention",
    everySeconds: deps.config.figures.sweepEverySeconds * 720,
    channel: "retention",
  } as const;
  return keepDoing(deps, rhythm, async (stopped) => {
    await forgetOld(deps, stopped);
    await forgetSessions(deps);
  });
}
