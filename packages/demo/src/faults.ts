/** Which request is meant. `path` is tried against pathname and query, as they stood on the wire. */
export type RequestMatch = { method?: string; path: RegExp };

/**
 * A planned failure. `before` (the default): the far end never handled the request. `after`: it did, and only
 * the answer is replaced or lost. With neither `status` nor `dropConnection` the request is only delayed.
 */
export type Fault = RequestMatch & {
  when?: "before" | "after";
  status?: number;
  headers?: Record<string, string>;
  /** A string goes out as it is, anything else as JSON. */
  body?: unknown;
  /** How many requests it hits, 1 unless told; `Infinity` until `clearFaults()`. */
  times?: number;
  dropConnection?: boolean;
  delayUntil?: Promise<unknown>;
};

export type Hold = RequestMatch & { when?: "before" | "after" };

/** One request that stands still: kill somebody now, then release it, or cut its connection. */
export type Held = {
  /** Resolves when the request stands at the breakpoint (`after`: it is handled, its answer unsent). */
  arrived: Promise<void>;
  release(): void;
  drop(): void;
};

export type Faults = {
  failNext(fault: Fault): void;
  /** The next matching request stands still until released; the ones after it pass. */
  holdNext(hold: Hold): Held;
  /** Forgets what was planned, and lets go of what is held. */
  clearFaults(): void;
};

type Way = "pass" | "drop" | Response;
type Point = RequestMatch & { when: "before" | "after"; left: number; meet(): Promise<Way> };

/**
 * Breakpoints and planned failures of one stand-in. `guard` leads every request past them: it answers
 * "drop" when the connection has to be cut without an answer.
 */
export function createFaults(): Faults & {
  guard(request: { method: string; path: string }, handle: () => Promise<Response>): Promise<Response | "drop">;
} {
  const points = new Set<Point>();
  const letGo = new Set<() => void>();

  async function pass(when: Point["when"], request: { method: string; path: string }): Promise<Way> {
    for (const point of points) {
      if (point.when !== when || !matches(point, request)) continue;
      point.left -= 1;
      if (point.left <= 0) points.delete(point);
      const way = await point.meet();
      if (way !== "pass") return way;
    }
    return "pass";
  }

  return {
    failNext(fault) {
      const { when = "before", times = 1 } = fault;
      points.add({ ...fault, when, left: times, meet: () => meetFault(fault) });
    },
    holdNext({ when = "before", ...match }) {
      const arrived = Promise.withResolvers<void>();
      const way = Promise.withResolvers<Way>();
      const drop = () => way.resolve("drop");
      letGo.add(drop);
      const meet = () => (arrived.resolve(), way.promise.finally(() => letGo.delete(drop)));
      points.add({ ...match, when, left: 1, meet });
      return { arrived: arrived.promise, release: () => way.resolve("pass"), drop };
    },
    clearFaults() {
      points.clear();
      for (const drop of letGo) drop();
      letGo.clear();
    },
    async guard(request, handle) {
      const before = await pass("before", request);
      if (before !== "pass") return before;
      const answer = await handle();
      const after = await pass("after", request);
      return after === "pass" ? answer : after;
    },
  };
}

function matches(match: RequestMatch, request: { method: string; path: string }): boolean {
  return (match.method === undefined || match.method === request.method) && match.path.test(request.path);
}

async function meetFault(fault: Fault): Promise<Way> {
  await fault.delayUntil;
  if (fault.dropConnection) return "drop";
  if (fault.status === undefined) return "pass";
  const isText = typeof fault.body === "string";
  const body = isText ? (fault.body as string) : JSON.stringify(fault.body ?? { message: `Planned ${fault.status}` });
  const type = isText ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  return new Response(body, {
    status: fault.status,
    headers: { "content-type": type, ...fault.headers },
  });
}
