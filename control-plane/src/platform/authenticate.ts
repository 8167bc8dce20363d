import type { Caller, Who } from "./caller.ts";

export type Asked = {
  who: Who | readonly Who[];
  /** Where the connection comes from. */
  address: string;
  /** Of a path that names one. */
  jobId: string | null;
  isRecheck: boolean;
  /** A route for machines that look every second, such as healthz. */
  isUnlimited: boolean;
};

/**
 * Turns a bearer secret or the session cookie into a caller. Made by the features `keys` and `sessions`,
 * so that the platform knows of neither.
 */
export interface Authentication {
  /**
   * @throws Problem unauthenticated, key_expired, rate_limited. `anyone` and `github` routes need no caller.
   * `isRecheck`: of an answer that lasts, which counts as one request.
   */
  callerOf(request: Request, asked: Asked): Promise<Caller>;
}
