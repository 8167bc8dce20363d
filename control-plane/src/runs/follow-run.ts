import { isSettled } from "@feedback-chat/protocol/run-machine";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { encodeMessages, serveSse, type Sse } from "../platform/serve-sse.ts";
import { keepPace } from "./keep-pace.ts";
import { batchSize, readMessages, readStanding } from "./read-stream.ts";

type Deps = Pick<AppDeps, "db" | "signals" | "streams" | "log" | "config" | "now">;
export type Following = {
  /** What the reader has already: the `id:` of its last message. */
  lastEventId: string | undefined;
  recheck: () => Promise<void>;
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
  return serveSse(deps, { stallMs, ...following }, (sse) => pump(deps, sse, { projectId, runId }, following));
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
    const from = last ?? lastEventId;
    const looking = deps.streams.lookTogether(`run ${runId} ${typeof from} ${from}`, () =>
      lookAt(deps, { projectId, runId, from }),
    );
    const { standing, isUnknown, seen, newest, isFull, costNow } = await orCancel(next, looking);
    if (!standing) return next.cancel();
    if (isUnknown) await sse.send({ event: "reset", data: { reason: "unknown_id" } });
    if (seen.length > 0) await sse.write(seen);
    last = newest;
    if (costNow !== cost) await sse.send({ event: "cost", data: standing.cost });
    cost = costNow;
    if (isFull) {
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

type Look = { projectId: string; runId: string; from: number | string | undefined };

/** What is new in a run after a number that a reader has, or says that it has; encoded once for all of these readers. */
async function lookAt({ db }: Deps, { projectId, runId, from }: Look) {
  return asProject(db, projectId, async (tx) => {
    const standing = await readStanding(tx, runId);
    const after = typeof from === "number" ? from : resumeAfter(from, standing?.lastSeq ?? 0);
    const messages = await readMessages(tx, runId, Math.max(0, after));
    return {
      standing,
      isUnknown: after === unknownId,
      seen: encodeMessages(messages),
      newest: messages.at(-1)?.id ?? Math.max(0, after),
      isFull: messages.length === batchSize,
      costNow: JSON.stringify(standing?.cost),
    };
  });
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
