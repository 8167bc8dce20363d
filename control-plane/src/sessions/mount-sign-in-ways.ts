import { Problem } from "@feedback-chat/protocol/problem";
import type { Hono, Context } from "hono";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { answerError, readBytes } from "../platform/mount-routes.ts";
import { withSenderAddress } from "../platform/sender-address.ts";
import { handOnCookies } from "./hand-on-cookies.ts";
import { refuseForeignOrigin } from "./make-authentication.ts";
import { originsOf, type Sessions } from "./open-sessions.ts";

type Deps = Pick<AppDeps, "config" | "log"> & { sessions: Sessions };

const maxBytes = 16_384;
const address = z.object({ email: z.email().max(254).toLowerCase() });
const secret = z.object({ token: z.string().min(1).max(2_000) });

/**
 * Links by mail, and GitHub. Secrets come in bodies, never in an address, and each request but GitHub's own comes from a
 * page of ours: nobody is signed in by another site, or by a mail program that looks at links.
 */
export function mountSignInWays(app: Hono, deps: Deps): void {
  const { sessions, config } = deps;
  const post = (path: string, answer: (c: Context, bytes: Buffer) => Promise<Response>) =>
    app.post(`/api/auth/${path}`, async (c) => {
      refuseForeignOrigin(c.req.raw, new Set(originsOf(config.publicUrl ?? "")));
      return answer(c, await readBytes(c, maxBytes));
    });
  const ask = (c: Context, method: string, path: string, body?: object) => {
    const url = new URL(`/api/auth/${path}`, config.publicUrl);
    return sessions.answer(withSenderAddress(c, { url, method, body }));
  };
  const open = async (c: Context, path: string, bytes: Buffer) => {
    const { token } = read(secret, bytes);
    const response = await ask(c, "GET", `${path}?token=${encodeURIComponent(token)}`);
    refuseTooMany(response);
    if (!response.ok) throw linkIsOver();
    return handOnCookies(deps, c, { from: response, to: c.json({ ok: true }) });
  };
  post("sign-in/magic-link", async (c, bytes) => {
    refuseTooMany(await ask(c, "POST", "sign-in/magic-link", read(address, bytes)));
    return c.json({ ok: true, linkWentTo: config.smtpUrl === undefined ? "operator_log" : "mail" });
  });
  post("magic-link/verify", (c, bytes) => open(c, "magic-link/verify", bytes));
  post("verify-email", (c, bytes) => open(c, "verify-email", bytes));
  post("sign-in/github", async (c) => {
    if (!config.githubSignIn) throw new Problem("not_found", "This instance has no sign-in with GitHub.");
    const pages = { callbackURL: `${config.publicUrl}/`, errorCallbackURL: `${config.publicUrl}/login` };
    const response = await ask(c, "POST", "sign-in/social", { provider: "github", ...pages });
    refuseTooMany(response);
    const { url } = z.object({ url: z.url() }).parse(await response.json());
    return handOnCookies(deps, c, { from: response, to: c.json({ url }) });
  });
  app.get("/api/auth/callback/github", async (c) => {
    const response = await ask(c, "GET", `callback/github${new URL(c.req.url).search}`);
    const to = response.headers.get("location");
    return handOnCookies(deps, c, { from: response, to: c.redirect(to ?? `${config.publicUrl}/login?error=failed`) });
  });
  app.onError((error, c) => answerError(deps, error, c));
}

function read<T>(shape: z.ZodType<T>, bytes: Buffer): T {
  try {
    return shape.parse(JSON.parse(bytes.toString("utf8")));
  } catch (error) {
    throw new Problem("invalid_request", "The form is not complete.", { cause: error });
  }
}

function refuseTooMany({ status, headers }: Response): void {
  if (status !== 429) return;
  const retryAfterSeconds = Number(headers.get("x-retry-after") ?? 60);
  throw new Problem("rate_limited", "Too many tries.", { facts: { retryAfterSeconds } });
}

const linkIsOver = () =>
  new Problem("unauthenticated", "This link is wrong, was used, or is over.", { next: "Ask for a new link." });
