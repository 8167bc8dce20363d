import { changePasswordRequest } from "@feedback-chat/protocol/account";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Context } from "hono";
import type { AppDeps } from "../app-deps.ts";
import { senderAddress } from "../platform/sender-address.ts";
import { countAttempt, forgetFailures, takeBackAttempt } from "./guard-password.ts";
import type { Sessions } from "./open-sessions.ts";
import { passOn } from "./pass-on.ts";

type Deps = Pick<AppDeps, "db"> & { sessions: Sessions };

/**
 * A new password for who knows the old one: a session alone, which may be stolen, guesses it no oftener than a login.
 * @throws Problem unauthenticated, validation_failed, rate_limited
 */
export async function changePassword(deps: Deps, c: Context, bytes: Buffer): Promise<Response> {
  const session = await deps.sessions.sessionOf(c.req.raw.headers);
  if (!session) throw new Problem("unauthenticated", "This needs a session.");
  const wanted = read(bytes);
  const attempt = { email: `password of ${session.userId}`, address: senderAddress(c) };
  await countAttempt(deps, attempt);
  const answer = await passOn(deps, c, Buffer.from(JSON.stringify(wanted)));
  if (answer.ok) await forgetFailures(deps, attempt);
  else if (!(await isWrongPassword(answer))) await takeBackAttempt(deps, attempt);
  return answer;
}

function read(bytes: Buffer) {
  const parsed = changePasswordRequest.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const named = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new Problem("validation_failed", `The body is not valid: ${named}`, { errors });
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new Problem("invalid_request", "The body is not JSON.", { cause: error });
  }
}

async function isWrongPassword(answer: Response): Promise<boolean> {
  return answer.status === 403 && (await answer.clone().text()).includes("current password");
}
