import { Problem } from "@feedback-chat/protocol/problem";
import type { MiddlewareHandler } from "hono";

const secretOfOurs = /\bfc[pwuer]_[\w-]{20,}/;

/**
 * Addresses end in logs, histories and referrers: a request that carries a secret of ours in one is refused whatever it
 * asks for, pages and paths that do not exist among it.
 * @throws Problem credential_in_url
 */
export const refuseSecretsInAddress: MiddlewareHandler = async (c, next) => {
  if (secretOfOurs.test(decodeSafely(c.req.url)))
    throw new Problem("credential_in_url", "A key of ours stood in the address of this request.");
  await next();
};

function decodeSafely(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}
