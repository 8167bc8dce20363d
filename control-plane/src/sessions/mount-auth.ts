import { Problem } from "@feedback-chat/protocol/problem";
import { type Context, Hono } from "hono";
import type { AppDeps } from "../app-deps.ts";
import { readBytes } from "../platform/mount-routes.ts";
import { changePassword } from "./change-password.ts";
import { countAttempt, forgetFailures, takeBackAttempt } from "./guard-password.ts";
import { mountSignInWays } from "./mount-sign-in-ways.ts";
import { refuseForeignOrigin } from "./make-authentication.ts";
import { originsOf, type Sessions } from "./open-sessions.ts";
import { passOn } from "./pass-on.ts";
import { senderAddress } from "../platform/sender-address.ts";

type Deps = Pick<AppDeps, "db" | "config" | "log"> & { sessions: Sessions };

const maxBytes = 16_384;

/** The few of better-auth's paths that we need; its other forty are not there. */
export function mountAuth(deps: Deps): Hono {
  const app = new Hono();
  app.post("/api/auth/sign-in/email", (c) => signIn(deps, c));
  app.post("/api/auth/change-password", async (c) => changePassword(deps, c, await readBytes(c, maxBytes)));
  for (const path of ["sign-out", "revoke-other-sessions"])
    app.post(`/api/auth/${path}`, async (c) => passOn(deps, c, await readBytes(c, maxBytes)));
  mountSignInWays(app, deps);
  return app;
}

/** @throws Problem forbidden for another site's form: it would sign its visitor in as somebody of its own. */
async function signIn(deps: Deps, c: Context): Promise<Response> {
  refuseForeignOrigin(c.req.raw, new Set(originsOf(deps.config.publicUrl ?? "")));
  const bytes = await readBytes(c, maxBytes);
  const attempt = { email: emailIn(bytes), address: senderAddress(c) };
  await countAttempt(deps, attempt);
  const answer = await passOn(deps, c, bytes);
  if (answer.ok) await forgetFailures(deps, attempt);
  else if (answer.status !== 401) await takeBackAttempt(deps, attempt);
  return answer;
}

function emailIn(bytes: Buffer): string {
  try {
    const body = JSON.parse(bytes.toString("utf8")) as { email?: unknown } | null;
    return typeof body?.email === "string" ? body.email : "";
  } catch (error) {
    throw new Problem("invalid_request", "The body is not JSON.", { cause: error });
  }
}
