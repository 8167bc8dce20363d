import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Reader = { path: string; key: string };
export type ReaderOrder = { kind: "open"; url: string; readers: Reader[] } | { kind: "take" } | { kind: "close" };
export type ReadersSeen = {
  /** From the moment that a line carries to the one in which a reader had it, of all readers. */
  latenciesMs: number[];
  /** Streams that the server closed. */
  ended: number;
};

/** Readers of event streams in a process of their own: they take no turn of the server that is measured. */
export function startStreamReaders() {
  const child = fork(fileURLToPath(new URL("read-streams.ts", import.meta.url)));
  async function order(what: ReaderOrder): Promise<ReadersSeen> {
    child.send(what);
    const [{ answer, trouble }] = (await once(child, "message")) as [{ answer?: ReadersSeen; trouble?: string }];
    if (!answer) throw new Error(trouble);
    return answer;
  }
  return {
    open: (url: string, readers: Reader[]) => order({ kind: "open", url, readers }),
    /** What was seen since the last time. */
    take: () => order({ kind: "take" }),
    close: () => order({ kind: "close" }),
    [Symbol.dispose]: () => void child.kill(),
  };
}

/** This moment, as a line of the bench's carries it. */
export function stampNow(): string {
  return `t:${(performance.timeOrigin + performance.now()).toFixed(2)};`;
}
