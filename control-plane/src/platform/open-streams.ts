import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";

/** What the event streams of one process share. */
export interface Streams {
  /** How many are open. */
  readonly open: number;
  /** One more, which `end` ends. @returns what takes it off again. */
  enter(end: () => void): () => void;
  /** Ends all of them, and each that comes later: the server is asked to stop. */
  endAll(): void;
  /**
   * Of many that look at the same thing (`key`) at about the same time, one looks for all. A look begins only after the
   * last that joined it has asked, so each sees what was there when it asked; who comes while one is under way, waits
   * for the next.
   */
  lookTogether<T>(key: string, look: () => Promise<T>): Promise<T>;
  /** How the body of an answer is written on its connection without a web stream between; see `send-on-wire.ts`. */
  readonly wires: WeakMap<ReadableStream, (wire: ServerResponse) => void>;
}

type Join = { resolve(value: unknown): void; reject(error: unknown): void };

/** So many readers go on at once; between, the process answers others. */
const turnSize = 200;

export function openStreams(): Streams {
  const ends = new Set<() => void>();
  let isEnding = false;
  const gathering = new Map<string, Join[]>();
  const looking = new Map<string, Promise<unknown>>();

  async function lookFor(key: string, joined: Join[], look: () => Promise<unknown>): Promise<void> {
    // Who was woken by the same signal joins meanwhile.
    await nextTurn();
    while (looking.has(key)) await looking.get(key);
    gathering.delete(key);
    const outcome = look().then(
      (value) => (join: Join) => join.resolve(value),
      (error: unknown) => (join: Join) => join.reject(error),
    );
    looking.set(key, outcome);
    const tell = await outcome;
    looking.delete(key);
    for (const [n, join] of joined.entries()) {
      if (n % turnSize === turnSize - 1) await nextTurn();
      tell(join);
    }
  }

  return {
    get open() {
      return ends.size;
    },
    enter(end) {
      ends.add(end);
      if (isEnding) end();
      return () => void ends.delete(end);
    },
    endAll() {
      isEnding = true;
      for (const end of ends) end();
    },
    lookTogether<T>(key: string, look: () => Promise<T>): Promise<T> {
      const { promise, ...join } = Promise.withResolvers<T>();
      const joined = gathering.get(key);
      if (joined) joined.push(join as Join);
      else {
        const first = [join as Join];
        gathering.set(key, first);
        void lookFor(key, first, look);
      }
      return promise;
    },
    wires: new WeakMap(),
  };
}
