import { Problem } from "@feedback-chat/protocol/problem";
import { type Context, Hono } from "hono";
import type { AppDeps } from "../app-deps.ts";
import { problemResponse, readBytes } from "../platform/mount-routes.ts";
import { countAttempt, forgetFailures, takeBackAttempt } from "./guard-password.ts";
import { mountSignInWays } from "./mount-sign-in-ways.ts";
import { handOnCookies } from "./hand-on-cookies.ts";
import { refuseForeignOrigin } from "./make-authentication.ts";
import { originsOf, type Sessions } from "./open-sessions.ts";
import { senderAddress, withSenderAddress } from "../platform/sender-address.ts";

type Deps = Pick<AppDeps, "db" | "config" | "log"> & { sessions: Sessions };

const maxBytes = 16_384;

/** The few of better-auth's paths that we need; its other forty are not there. */
export function mountAuth(deps: Deps): Hono {
  const app = new Hono();
  app.post("/api/auth/sign-in/email", (c) => signIn(deps, c));
  for (const path of ["sign-out", "change-password", "revoke-other-sessions"])
    app.post(`/api/auth/${path}`, async (c) => pass(deps, c, await readBytes(c, maxBytes)));
  mountSignInWays(app, deps);
  return app;
}

/** @throws Problem forbidden for another site's form: it would sign its visitor in as somebody of its own. */
async function signIn(deps: Deps, c: Context): Promise<Response> {
  refuseForeignOrigin(c.req.raw, new Set(originsOf(deps.config.publicUrl ?? "")));
  const bytes = await readBytes(c, maxBytes);
  const attempt = { email: emailIn(bytes), address: senderAddress(c) };
  await countAttempt(deps, attempt);
  const answer = await pass(deps, c, bytes);
  if (answer.ok) await forgetFailures(deps, attempt);
  else if (answer.status !== 401) await takeBackAttempt(deps, attempt);
  return answer;
}

async function pass(deps: Deps, c: Context, bytes: Buffer): Promise<Response> {
  const response = await deps.sessions.answer(
    withSenderAddress(c, { url: c.req.url, method: c.req.method, body: new Uint8Array(bytes) }),
  );
  if (!response.ok) return problemResponse(c, await problemOf(response));
  return handOnCookies(deps, c, { from: response, to: c.json({ ok: true }) });
}

/** One sentence per status: whether an account exists is told by none. */
async function problemOf(response: Response): Promise<Problem> {
  const { status, headers } = response;
  // Only who knows the password hears this.
  if (status === 403 && (await response.text()).includes("EMAIL_NOT_VERIFIED"))
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
  return new Problem("invalid_request", "The form is not complete.");
}

function emailIn(bytes: Buffer): string {
  try {
    const body = JSON.parse(bytes.toString("utf8")) as { email?: unknown } | null;
    return typeof body?.email === "string" ? body.email : "";
  } catch (error) {
    throw new Problem("invalid_request", "The body is not JSON.", { cause: error });
  }
}
