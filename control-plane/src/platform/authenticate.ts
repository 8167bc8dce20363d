import type { Caller, Who } from "./caller.ts";
import type { Name, Named } from "./find-tenants.ts";

export type Asked = {
  who: Who | readonly Who[];
  /** Where the connection comes from. */
  address: string;
  /** Of a path that names one. */
  jobId: string | null;
  /** What the path names, if all of it has the form of an id: whose it is may be found in the same look. */
  names: readonly Name[];
  isRecheck: boolean;
  /** A recheck that may be answered a little later, together with many others. */
  isGathered: boolean;
  /** A route for machines that look every second, such as healthz. */
  isUnlimited: boolean;
};

/** `found`: whose the path's things are, one for each name, where that was looked up with the caller. */
export type Proven = { caller: Caller; found?: Named[] };

/**
 * Turns a bearer secret or the session cookie into a caller. Made by the features `keys` and `sessions`,
 * so that the platform knows of neither.
 */
export interface Authentication {
  /**
   * @throws Problem unauthenticated, key_expired, rate_limited. `anyone` and `github` routes need no caller.
   * `isRecheck`: of an answer that lasts, which counts as one request.
   */
  callerOf(request: Request, asked: Asked): Promise<Proven>;
}
