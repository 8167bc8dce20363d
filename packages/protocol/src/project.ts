import * as z from "zod";
import { idSchema } from "./ids.ts";
import { type RunSettings, runSettings } from "./job.ts";
import { stages, waitingForValues } from "./run-machine.ts";

export const fullName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/, "is no owner/name");

/**
 * Some of the settings: what a request names, and what a project keeps. Not `partial()`, which would fill in every
 * default and so write over what stood there.
 */
export const projectSettings = z.strictObject(
  Object.fromEntries(Object.entries(runSettings.shape).map(([name, field]) => [name, field.unwrap().optional()])),
) as unknown as z.ZodType<Partial<RunSettings>>;

export const createProjectRequest = z.strictObject({
  workspaceId: idSchema("ws").optional(),
  name: z.string().trim().min(1).max(100),
  githubRepo: fullName,
  settings: projectSettings.optional(),
});

/** Whose jobs come first, at the workers that they share: a team's, a pro's, then free ones. */
export const plans = ["team", "pro", "free"] as const;
export type Plan = (typeof plans)[number];
/** `PUT /v1/projects/:id/plan`, by the platform's operator. */
export const setPlanRequest = z.strictObject({ plan: z.enum(plans) });

export const project = z.object({
  id: idSchema("prj"),
  workspaceId: idSchema("ws"),
  name: z.string(),
  githubRepo: z.string(),
  githubRepoId: z.int().nullable(),
  triggerLabel: z.string(),
  isPaused: z.boolean(),
  /** Runs at once. */
  maxConcurrentRuns: z.int(),
  plan: z.enum(plans),
  /** Days that log lines are kept. */
  logDays: z.int(),
  /** Days that a reporter's private words are kept. */
  privateDays: z.int(),
  /** Days that talks are kept after they were last told, where they are kept. */
  talkDays: z.int().default(180),
  settings: runSettings,
  createdAt: z.iso.datetime(),
});
export type Project = z.infer<typeof project>;

/** `GET /v1/projects`: with what the list shows of its runs. */
export const projectItem = project.extend({
  runCount: z.int(),
  lastRun: z
    .object({
      id: idSchema("run"),
      issueNumber: z.int(),
      stage: z.enum(stages),
      waitingFor: z.enum(waitingForValues).nullable(),
      startedAt: z.iso.datetime(),
    })
    .nullable(),
});
export const projectPage = z.object({
  items: z.array(projectItem),
  nextCursor: z.string().nullable(),
});
export type ProjectPage = z.infer<typeof projectPage>;

/** `PATCH /v1/projects/:id`: what is left out stays; `settings` are merged one by one. */
export const patchProjectRequest = z.strictObject({
  name: z.string().trim().min(1).max(100).optional(),
  isPaused: z.boolean().optional(),
  triggerLabel: z.string().trim().min(1).max(50).optional(),
  maxConcurrentRuns: z.int().min(1).max(100).optional(),
  logDays: z.int().min(1).max(3650).optional(),
  privateDays: z.int().min(1).max(3650).optional(),
  talkDays: z.int().min(1).max(3650).optional(),
  settings: projectSettings.optional(),
});

/** Where GitHub sends its events, and what signs them; shown this once. */
export const projectWebhook = z.object({ url: z.string(), secret: z.string() });

/** Secrets in it are shown this once. */
export const createProjectAnswer = z.object({
  project,
  webhook: projectWebhook,
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

export const credentialPage = z.object({
  items: z.array(credential),
  nextCursor: z.string().nullable(),
});

/** `POST /v1/credentials/:id/test`: what its other end said just now; `reason` when that was not a plain yes. */
export const credentialTest = z.object({ credential, ok: z.boolean(), ms: z.int(), reason: z.string().nullable() });
export type CredentialTest = z.infer<typeof credentialTest>;

export const createWorkerKeyRequest = z.strictObject({ name: z.string().trim().min(1).max(100) });
export const createdKey = z.object({ id: idSchema("key"), prefix: z.string(), key: z.string() });
export type CreatedKey = z.infer<typeof createdKey>;

export const projectKeyScopes = ["status:read", "runs:read", "feedback:write", "runs:act"] as const;
/** `runs:act` is opted in: such a key decides about runs, and is named as the one that did. */
export const createProjectKeyRequest = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scopes: z.array(z.enum(projectKeyScopes)).min(1).default(["status:read", "runs:read", "feedback:write"]),
});
export const rotateKeyRequest = z.strictObject({
  graceHours: z.number().min(0).max(168).default(24),
});

/** A key as lists show it. */
export const keyInfo = z.object({
  id: idSchema("key"),
  name: z.string(),
  prefix: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  revokedAt: z.iso.datetime().nullable(),
});
export const keyPage = z.object({ items: z.array(keyInfo), nextCursor: z.string().nullable() });

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
