import * as z from "zod";

export const deploymentEnvironments = ["production", "preview", "development"] as const;
export type DeploymentEnvironment = (typeof deploymentEnvironments)[number];

/** `GET /api/healthz`: 200, or 503 if one of `deps` is false. */
export const healthz = z.object({
  sha: z.string(),
  env: z.enum(deploymentEnvironments),
  up: z.literal(true),
  deps: z.object({ database: z.boolean(), masterKey: z.boolean(), queue: z.boolean() }),
});
export type Healthz = z.infer<typeof healthz>;
