import { isSettled } from "@feedback-chat/protocol/run-machine";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { serveSse, type Sse } from "../platform/serve-sse.ts";
import { keepPace } from "./keep-pace.ts";
import { batchSize, readMessages, readStanding } from "./read-stream.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "log" | "config" | "now">;
export type Following = {
  /** What the reader has already: the `id:` of its last message. */
  lastEventId: string | undefined;
  recheck: () => Promise<void>;
  signal: AbortSignal;
  cut: () => void;
};

/**
 * A run's events, log lines and cost as they come. `id:` is the run's own number, without gaps, so a reader that was
 * cut off resumes without missing or repeating one. Ends after `end` when the run is settled.
 */
export function followRun(
  deps: Deps,
  { projectId, runId }: { projectId: string; runId: string },
  following: Following,
): Response {
  const stallMs = deps.config.figures.sseCommentSeconds * 1000;
  return serveSse(deps, { stallMs, signal: following.signal, cut: following.cut }, (sse) =>
    pump(deps, sse, { projectId, runId }, following),
  );
}

async function pump(
  deps: Deps,
  sse: Sse,
  { projectId, runId }: { projectId: string; runId: string },
  { lastEventId, recheck }: Following,
): Promise<void> {
  const pace = keepPace(deps, sse, recheck);
  let last: number | undefined;
  let cost = "";
  while (!sse.closed.aborted) {
    const next = deps.signals.next("runs", runId);
    const known = last;
    const looking = asProject(deps.db, projectId, async (tx) => {
      const run = await readStanding(tx, runId);
      const from = known ?? resumeAfter(lastEventId, run?.lastSeq ?? 0);
      return {
        standing: run,
        after: from,
        messages: await readMessages(tx, runId, Math.max(0, from)),
      };
    });
    const { standing, after, messages } = await orCancel(next, looking);
    if (!standing) return next.cancel();
    if (after === unknownId) await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    last = Math.max(0, after);
    for (const message of messages) {
      await sse.send(message);
      last = message.id ?? last;
    }
    const costNow = JSON.stringify(standing.cost);
    if (costNow !== cost) await sse.send({ event: "cost", data: standing.cost });
    cost = costNow;
    if (messages.length === batchSize) {
      next.cancel();
      await pace.look();
      continue;
    }
    if (isSettled(standing.stage)) {
      next.cancel();
      return sse.send({
        event: "end",
        data: { stage: standing.stage, reason: standing.reason },
      });
    }
    await pace.wait(next);
  }
}

/** A look that fails ends the stream: nobody would wait for the signal then. */
export async function orCancel<T>(next: { cancel(): void }, looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    next.cancel();
    throw error;
  }
}

const unknownId = -1;

/** Where to go on; an id that this stream never gave out starts again at its beginning. */
export function resumeAfter(lastEventId: string | undefined, lastSeq: number): number {
  if (lastEventId === undefined || lastEventId === "") return 0;
  const seq = /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : unknownId;
  return seq <= lastSeq ? seq : unknownId;
}
