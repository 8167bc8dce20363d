import { Problem } from "@feedback-chat/protocol/problem";
import type { Context } from "hono";
import { problemResponse } from "../platform/mount-routes.ts";
import { withSenderAddress } from "../platform/sender-address.ts";
import { handOnCookies } from "./hand-on-cookies.ts";
import type { Sessions } from "./open-sessions.ts";

type Deps = { sessions: Sessions };

/** Hands a request to better-auth; of its answer a status and the cookies come back, or a problem of ours. */
export async function passOn(deps: Deps, c: Context, bytes: Buffer): Promise<Response> {
  const response = await deps.sessions.answer(
    withSenderAddress(c, { url: c.req.url, method: c.req.method, body: new Uint8Array(bytes) }),
  );
  if (!response.ok) return problemResponse(c, await problemOf(response));
  return handOnCookies(deps, c, { from: response, to: c.json({ ok: true }) });
}

/** One sentence per status: whether an account exists is told by none. */
async function problemOf(response: Response): Promise<Problem> {
  const { status, headers } = response;
  const text = await response.text();
  // Only who knows the password hears this.
  if (status === 403 && text.includes("EMAIL_NOT_VERIFIED"))
    return new Problem("forbidden", "This e-mail address is not confirmed yet.", {
      next: "Follow the link that was just mailed to it, then sign in again.",
    });
  if (status === 401)
    return new Problem("unauthenticated", "E-mail or password is wrong, or the session has ended.", {
      next: "Try again, or ask for a link by mail on the login page.",
    });
  if (status === 403) return new Problem("forbidden", "This must come from the server's own pages.");
  if (status === 429) {
    const retryAfterSeconds = Number(headers.get("x-retry-after") ?? 60);
    return new Problem("rate_limited", "Too many tries.", { facts: { retryAfterSeconds } });
  }
  // Only who is logged in hears these two.
  if (text.includes('"INVALID_PASSWORD"'))
    return new Problem("forbidden", "The current password is wrong.", {
      next: "Try again, or sign in by a mailed link if you forgot it.",
    });
  if (text.includes('"CREDENTIAL_ACCOUNT_NOT_FOUND"'))
    return new Problem("conflict", "This account has no password: its owner signs in by links or with GitHub.", {
      next: "Go on signing in that way.",
    });
  return new Problem("invalid_request", "The form is not complete.");
}
