import type { LogLine } from "@feedback-chat/protocol/run";

/** The newest lines of a log; a stream that resumes never gives one twice. */
export type Lines = { shown: readonly LogLine[]; lastSeq: number };

export const noLines: Lines = { shown: [], lastSeq: 0 };
/** As many as a browser shows without effort; the rest is a download away. */
const maxShown = 2_000;

export function addLines(known: Lines, data: string): Lines {
  const line = JSON.parse(data) as LogLine;
  if (line.seq <= known.lastSeq) return known;
  const kept = known.shown.length >= maxShown ? known.shown.slice(1 - maxShown) : known.shown;
  return { shown: [...kept, line], lastSeq: line.seq };
}
