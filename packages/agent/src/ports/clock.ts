/** Time, as the pipeline sees it. Lease times are never taken from here: those are the database's. */
export interface Clock {
  now(): Date;
  /** Milliseconds that only grow, whatever happens to the wall clock. */
  monotonicMs(): number;
  /** Ends early, without an error, when `signal` aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}
