import type { Database } from "./database.ts";

/** Channels of NOTIFY. The payload is an id; the listener looks up what changed, so a lost one costs time only. */
export const channels = {
  /** A job can be claimed; payload: workspace uuid. */
  jobs: "fc_jobs",
  /** Something for the holder of a lease: cancel, drain; payload: job uuid. */
  leases: "fc_leases",
  /** A run waits for a look at GitHub: the gate's second step, or what follows a merge; payload empty. */
  gate: "fc_gate",
  /** An effect waits to be delivered; payload empty. */
  outbox: "fc_outbox",
  /** A run has a new event, log line or cost; payload: `<run uuid> <project uuid>`, and of an event `<workspace uuid>` too. */
  runs: "fc_runs",
  /** A deleted project is to go at once; payload empty. */
  retention: "fc_retention",
} as const;
export type Channel = keyof typeof channels;

/** Wakes what waits in this process. */
export interface Signals {
  /** @returns a function that ends the subscription. `key` "" is woken by everything on the channel. */
  subscribe(channel: Channel, key: string, wake: () => void): () => void;
  /**
   * Resolves when `key` is signalled, after `ms`, or when `abort` fires; never rejects.
   * Subscribe before you look, else a signal in between is lost: `const next = signals.next(…); look(); await next.wait(ms)`.
   */
  next(channel: Channel, key: string): Next;
  /**
   * The same in a line: a signal of `key` wakes only who has waited longest, so that one job does not send all waiting
   * workers to the database. Who leaves the line passes the word on (`passOn`). `own` wakes
   * this one alone.
   */
  nextInLine(channel: Channel, key: string, own: string): Next;
  /** Wakes the next in that line. */
  passOn(channel: Channel, key: string): void;
}
export type Next = { wait(ms: number, abort?: AbortSignal): Promise<void>; cancel(): void };

export async function listenForSignals(database: Database): Promise<Signals> {
  const waiting = new Map<string, Set<() => void>>();
  /** In the order in which they came. */
  const lines = new Map<string, Set<() => void>>();
  const wakeFirst = (name: string) => {
    const [first] = lines.get(name) ?? [];
    if (first) {
      leave(lines, name, first);
      first();
    }
  };
  const wakeAll = (name: string) => {
    for (const wake of waiting.get(name) ?? []) wake();
    wakeFirst(name);
  };
  for (const channel of Object.keys(channels) as Channel[]) {
    await database.listen(channels[channel], (payload) => {
      if (payload === "") {
        for (const name of waiting.keys()) if (name.startsWith(`${channel} `)) wakeAll(name);
        for (const [name, line] of lines) if (name.startsWith(`${channel} `)) for (const wake of line) wake();
        return;
      }
      for (const key of ["", ...payload.split(" ")]) wakeAll(`${channel} ${key}`);
    });
  }

  function subscribe(channel: Channel, key: string, wake: () => void): () => void {
    const name = `${channel} ${key}`;
    return enter(waiting, name, wake);
  }

  function nextOf(begin: (wake: () => void) => () => void): Next {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = begin(resolve);
    return {
      cancel: end,
      async wait(ms, abort) {
        const timer = setTimeout(resolve, ms);
        const stop = () => resolve();
        abort?.addEventListener("abort", stop, { once: true });
        if (abort?.aborted) resolve();
        await promise;
        clearTimeout(timer);
        abort?.removeEventListener("abort", stop);
        end();
      },
    };
  }

  return {
    subscribe,
    next: (channel, key) => nextOf((wake) => subscribe(channel, key, wake)),
    nextInLine: (channel, key, own) =>
      nextOf((wake) => {
        const ends = [enter(lines, `${channel} ${key}`, wake), subscribe(channel, own, wake)];
        return () => ends.forEach((end) => end());
      }),
    passOn: (channel, key) => wakeFirst(`${channel} ${key}`),
  };
}

type Waiting = Map<string, Set<() => void>>;

function enter(waiting: Waiting, name: string, wake: () => void): () => void {
  const wakes = waiting.get(name) ?? new Set();
  waiting.set(name, wakes.add(wake));
  return () => leave(waiting, name, wake);
}

function leave(waiting: Waiting, name: string, wake: () => void): void {
  const wakes = waiting.get(name);
  wakes?.delete(wake);
  if (wakes?.size === 0) waiting.delete(name);
}
