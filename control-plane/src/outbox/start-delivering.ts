import type { AppDeps } from "../app-deps.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { deliverEffects } from "./deliver-effects.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log" | "signals">;

/** Delivers what transitions queued, as soon as they are committed. */
export function startDelivering(deps: Deps): Doing {
  const everySeconds = deps.config.figures.sweepEverySeconds;
  return keepDoing(deps, { name: "outbox", everySeconds, channel: "outbox" }, async (stopped) => {
    while (!stopped.aborted && (await deliverEffects(deps)) > 0);
  });
}
