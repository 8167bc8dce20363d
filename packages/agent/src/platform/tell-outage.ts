import { isProblem } from "@feedback-chat/protocol/problem";
import type { Clock } from "../ports/clock.ts";
import type { EventLog } from "./event-log.ts";
import { errorFields } from "./event-log.ts";

export type Outage = {
  missed(error: unknown): void;
  answered(): void;
};

const everyMs = 30_000;

/** Logs that the server cannot be reached: at the first miss, then every 30 s, and once when it answers again. */
export function tellOutage({ clock, log }: { clock: Pick<Clock, "monotonicMs">; log: EventLog }): Outage {
  let since: { startedMs: number; toldMs: number } | null = null;
  return {
    missed(error) {
      const nowMs = clock.monotonicMs();
      if (since && nowMs - since.toldMs < everyMs) return;
      since = { startedMs: since?.startedMs ?? nowMs, toldMs: nowMs };
      const next = isProblem(error) ? { next: error.next } : {};
      log("warn", "worker.cannot_reach", { ...errorFields(error), ...next });
    },
    answered() {
      if (!since) return;
      log("info", "worker.reached_again", { seconds: Math.round((clock.monotonicMs() - since.startedMs) / 1_000) });
      since = null;
    },
  };
}
