import type { Context } from "hono";
import type { Sessions } from "./open-sessions.ts";

/**
 * Of better-auth's answers only the cookies go on: their bodies carry session tokens. If one opens a session, the one that
 * this browser had before is over: whoever knew or planted its id has nothing of the new one.
 */
export async function handOnCookies(
  { sessions }: { sessions: Sessions },
  c: Context,
  { from, to }: { from: Response; to: Response },
): Promise<Response> {
  const cookies = from.headers.getSetCookie();
  if (cookies.some((cookie) => /session_token=[^;]/.test(cookie))) await sessions.endSessionOf(c.req.raw.headers);
  for (const cookie of cookies) to.headers.append("set-cookie", cookie);
  to.headers.set("cache-control", "no-store");
  return to;
}
