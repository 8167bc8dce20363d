import * as z from "zod";

/** `GET /api/healthz`: 200, or 503 if one of `deps` is false. `up` counts seconds since the start. */
export const healthz = z.object({
  sha: z.string(),
  env: z.string(),
  up: z.int().nonnegative(),
  deps: z.object({ database: z.boolean(), masterKey: z.boolean(), queue: z.boolean() }),
});
export type Healthz = z.infer<typeof healthz>;
