import type { MiddlewareHandler } from "hono";

const policyHeader = "content-security-policy";

/** No inline script or style, no frame, no other origin: what a reporter wrote stays text. */
const ownPages = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
  "connect-src 'self'", "manifest-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; "); // prettier-ignore

/** For the one page whose form goes to GitHub. */
export function policyWithForms(origin: string): string {
  return ownPages.replace("form-action 'self'", `form-action 'self' ${origin}`);
}

export function securityHeaders({ isSecure }: { isSecure: boolean }): MiddlewareHandler {
  const headers = Object.entries({
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    ...(isSecure ? { "strict-transport-security": "max-age=31536000" } : {}),
  });
  return async (c, next) => {
    await next();
    for (const [name, value] of headers) c.res.headers.set(name, value);
    // What an agent wrote brings a policy of its own, which is stricter; a form that goes to GitHub says so.
    if (!c.res.headers.has(policyHeader)) c.res.headers.set(policyHeader, ownPages);
  };
}
