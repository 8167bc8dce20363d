import * as z from "zod";
import { idSchema } from "./ids.ts";
import { runSettings } from "./job.ts";

export const fullName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/, "is no owner/name");

export const projectSettings = runSettings.partial();

export const createProjectRequest = z.strictObject({
  workspaceId: idSchema("ws").optional(),
  name: z.string().trim().min(1).max(100),
  githubRepo: fullName,
  settings: projectSettings.optional(),
});

export const project = z.object({
  id: idSchema("prj"),
  workspaceId: idSchema("ws"),
  name: z.string(),
  githubRepo: z.string(),
  githubRepoId: z.int().nullable(),
  triggerLabel: z.string(),
  isPaused: z.boolean(),
  settings: runSettings,
  createdAt: z.iso.datetime(),
});
export type Project = z.infer<typeof project>;

/** Secrets in it are shown this once. */
export const createProjectAnswer = z.object({
  project,
  webhook: z.object({ url: z.string(), secret: z.string() }),
  apiKey: z.string(),
});
export type CreateProjectAnswer = z.infer<typeof createProjectAnswer>;

export const credentialTypes = ["anthropic_api_key", "claude_oauth", "github_token"] as const;
export type CredentialType = (typeof credentialTypes)[number];
export const createCredentialRequest = z.strictObject({
  type: z.enum(credentialTypes),
  value: z.string().min(1).max(16_384),
});
export const credential = z.object({
  id: idSchema("crd"),
  type: z.enum(credentialTypes),
  last4: z.string(),
  status: z.enum(["unverified", "ok", "rejected"]),
  createdAt: z.iso.datetime(),
});
export type Credential = z.infer<typeof credential>;

export const createWorkerKeyRequest = z.strictObject({ name: z.string().trim().min(1).max(100) });
export const createdKey = z.object({ id: idSchema("key"), prefix: z.string(), key: z.string() });
export type CreatedKey = z.infer<typeof createdKey>;

/** `GET /v1/me` */
export const me = z.object({
  user: z.object({
    id: idSchema("usr"),
    login: z.string(),
    email: z.string().nullable(),
    name: z.string(),
  }),
  workspaces: z.array(
    z.object({
      id: idSchema("ws"),
      name: z.string(),
      role: z.enum(["owner", "admin", "member", "viewer"]),
    }),
  ),
});
export type Me = z.infer<typeof me>;
