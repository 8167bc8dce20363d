import { getRunsRunId, getRunsRunIdEvents } from "@feedback-chat/protocol/operations";
import { addressOf } from "@feedback-chat/protocol/operation";
import {
  logLine,
  type LogLine,
  type RunEventEntry,
  type RunDetail,
  runStreamMessages,
} from "@feedback-chat/protocol/run";
import { isProblem } from "@feedback-chat/protocol/problem";
import { makeSseParser } from "../core/sse.ts";
import type { ApiClient } from "./api-client.ts";
import { pause } from "./pause.ts";

type Seen = {
  onLine?: (line: LogLine) => void;
  onEvent?: (entry: RunEventEntry) => void;
  onCost?: (cost: { costMicroUsd: number }) => void;
  /** True = enough, although the run is not final. Asked of events, and then of the run as it is now. */
  isEnough?: (standing: Pick<RunEventEntry, "stage" | "waitingFor">) => boolean;
  onTrouble?: (text: string) => void;
};
type Input = { runId: string; after: number; signal: AbortSignal };

/**
 * Follows a run until it is settled: each line and event once, in order, across restarts of the server, outages and
 * proxies that cut idle streams. What was seen last is named in `Last-Event-ID`.
 * @throws Problem not_found, unauthenticated, forbidden: those do not heal. The signal's reason when it fires.
 */
export async function followRun(api: ApiClient, { runId, after, signal }: Input, seen: Seen): Promise<RunDetail> {
  let last = after;
  let isTold = false;
  for (let failures = 0; ;) {
    try {
      const ended = await readStream(api, { runId, after: last, signal }, seen, (seq) => {
        last = seq;
        failures = 0;
        isTold = false;
      });
      const run = await api.call(getRunsRunId, { params: { runId } });
      if (ended === "by the server" || (ended === "enough" && seen.isEnough?.(run))) return run;
      // An event of the past: somebody has decided since then.
      if (ended === "enough") continue;
    } catch (error) {
      signal.throwIfAborted();
      if (isProblem(error) && !["network", "unavailable", "rate_limited"].includes(error.code)) throw error;
      if (!isTold)
        seen.onTrouble?.(`The server does not answer; trying again until it does. (${(error as Error).message})`);
      isTold = true;
    }
    failures += 1;
    await pause(Math.min(250 * 2 ** failures, 5_000), signal);
    signal.throwIfAborted();
  }
}

/** @returns why it ended. */
async function readStream(
  api: ApiClient,
  { runId, after, signal }: Input,
  seen: Seen,
  advance: (seq: number) => void,
): Promise<"by the server" | "enough" | "cut"> {
  // A server comments every 15 s: 45 s without a byte is a dead connection.
  const idle = new AbortController();
  let timer = setTimeout(() => idle.abort(), 45_000);
  try {
    const response = await api.stream(
      addressOf(getRunsRunIdEvents, { params: { runId } }),
      { accept: "text/event-stream", "last-event-id": String(after) },
      AbortSignal.any([signal, idle.signal]),
    );
    const parse = makeSseParser();
    const decoder = new TextDecoder();
    let seq = after;
    for await (const bytes of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => idle.abort(), 45_000);
      for (const message of parse(decoder.decode(bytes as Uint8Array, { stream: true }))) {
        if (message.event === "end") return "by the server";
        if (message.event === "cost") seen.onCost?.(runStreamMessages.cost.parse(JSON.parse(message.data)));
        if (message.event !== "log" && message.event !== "stage") continue;
        const at = Number(message.id);
        if (at <= seq) continue;
        seq = at;
        advance(at);
        if (message.event === "log") seen.onLine?.(logLine.parse(JSON.parse(message.data)));
        else {
          const entry = runStreamMessages.stage.parse(JSON.parse(message.data));
          seen.onEvent?.(entry);
          if (seen.isEnough?.(entry)) return "enough";
        }
      }
    }
    return "cut";
  } finally {
    clearTimeout(timer);
  }
}
