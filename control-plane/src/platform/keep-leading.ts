import { randomUUID } from "node:crypto";
import type { Figures } from "@feedback-chat/protocol/figures";
import type { Db } from "./database.ts";
import { type Doing, keepDoing } from "./keep-doing.ts";
import type { Log } from "./log.ts";
import type { Signals } from "./signals.ts";
import { giveUpLead, takeLead } from "./take-lead.ts";

type Deps = { db: Db; log: Log; signals: Signals; config: { figures: Figures } };
type Rhythm = { name: string; everySeconds: number };
export type Leading = {
  /** False once this replica was asked to stop, or another took over: long rounds ask between their steps. */
  isStillMine(): Promise<boolean>;
  /** This replica has just begun to lead, or has not finished a round yet. */
  isFirst: boolean;
};

/** So many looks at who leads within the time after which a silent one is followed. */
const looksPerLead = 3;

/**
 * Does `round` every so many seconds on one of the replicas, at once when it begins to lead. One that is killed is
 * followed after three sweeps' time, one that stops at once.
 */
export function keepLeading(
  deps: Deps,
  { name, everySeconds }: Rhythm,
  round: (leading: Leading) => Promise<void>,
): Doing {
  const lookSeconds = Math.min(deps.config.figures.sweepEverySeconds, everySeconds);
  const lead = { name, holder: randomUUID(), seconds: looksPerLead * lookSeconds };
  let nextMs = 0;
  let isFirst = true;
  const doing = keepDoing(deps, { name, everySeconds: lookSeconds, channel: null }, async (stopped) => {
    if (!(await takeLead(deps, lead))) {
      [nextMs, isFirst] = [0, true];
      return;
    }
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + everySeconds * 1_000;
    await round({ isFirst, isStillMine: async () => !stopped.aborted && (await takeLead(deps, lead)) });
    isFirst = false;
  });
  return {
    async stop() {
      await doing.stop();
      await giveUpLead(deps, lead);
    },
  };
}
