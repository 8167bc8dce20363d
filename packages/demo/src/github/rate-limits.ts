import type { Faults } from "../faults.ts";
import type { Hub } from "./hub.ts";
import { documentation } from "./refuse.ts";

export type RateLimits = {
  /** The next `times` REST requests meet the primary limit: 403, nothing remaining, reset at `resetAt`. */
  limitPrimary(limit: { resetAt: Date; times?: number; path?: RegExp }): void;
  /** The next `times` REST requests meet the secondary limit: 403 (or 429) with `Retry-After`. */
  limitSecondary(limit: { retryAfterSeconds: number; times?: number; path?: RegExp; status?: 403 | 429 }): void;
};

/** GitHub's two limits, switched on by hand; `clearFaults()` ends them. */
export function rateLimits(hub: Hub, { failNext }: Pick<Faults, "failNext">): RateLimits {
  return {
    limitPrimary({ resetAt, times = 1, path = /^\// }) {
      const reset = String(Math.ceil(resetAt.getTime() / 1000));
      const headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-used": "5000",
        "x-ratelimit-reset": reset,
        "x-ratelimit-resource": "core",
      };
      failNext({
        path,
        times,
        status: 403,
        headers,
        body: {
          message: "API rate limit exceeded for user ID 1.",
          documentation_url: documentation,
          status: "403",
        },
      });
    },
    limitSecondary({ retryAfterSeconds, times = 1, path = /^\//, status = 403 }) {
      const reset = String(Math.ceil(hub.now().getTime() / 1000) + 3600);
      const headers = {
        "retry-after": String(retryAfterSeconds),
        "x-ratelimit-remaining": "4999",
        "x-ratelimit-reset": reset,
      };
      const message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
      failNext({
        path,
        times,
        status,
        headers,
        body: { message, documentation_url: documentation, status: String(status) },
      });
    },
  };
}
