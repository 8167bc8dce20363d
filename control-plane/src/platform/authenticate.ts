import type { Caller, Who } from "./caller.ts";

/**
 * Turns a bearer secret or the session cookie into a caller. Made by the features `keys` and `sessions`,
 * so that the platform knows of neither.
 */
export interface Authentication {
  /** @throws Problem unauthenticated, key_expired. `anyone` and `github` routes need no caller. */
  callerOf(request: Request, who: Who | readonly Who[]): Promise<Caller>;
}
