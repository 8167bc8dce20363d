import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import { renderMetrics } from "./render-metrics.ts";

type Deps = Pick<AppDeps, "db" | "config" | "streams">;

export const routes = [
  route<Deps>()({ method: "get", path: "/metrics", who: "operator", handle: ({ deps, c }) => answer(deps, c) }),
];

/** Before the table: a scraper's own token, which may do nothing else. Whoever brings another goes on to the table. */
export function metricsByToken(deps: Deps): MiddlewareHandler {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return async (c, next) => {
    const { metricsToken } = deps.config;
    const shown = c.req.header("authorization") ?? "";
    if (!metricsToken || !timingSafeEqual(digest(shown), digest(`Bearer ${metricsToken}`))) return next();
    return answer(deps, c);
  };
}

async function answer(deps: Deps, c: Context): Promise<Response> {
  const { text, contentType } = await renderMetrics(deps);
  return c.body(text, 200, { "content-type": contentType, "cache-control": "no-store" });
}
