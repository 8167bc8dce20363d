import * as z from "zod";
import { evidence, spend } from "./evidence.ts";
import { idSchema } from "./ids.ts";
import { leasedJob } from "./job.ts";
import { logLevels } from "./run.ts";
import { phases, stages, waitingForValues } from "./run-machine.ts";

/** What a worker wrote or passed on, perhaps cut inside a letter: a database keeps neither NUL nor half a surrogate pair. */
const words = (most: number) =>
  z
    .string()
    .max(most)
    .transform((text) => text.replaceAll("\0", "").toWellFormed());

/** `POST /v1/workers` */
export const registerRequest = z.strictObject({
  name: z.string().min(1).max(100),
  version: z.string().regex(/^\d+\.\d+\.\d+/),
  capabilities: z.object({
    engines: z.array(z.string()),
    sandbox: z.string(),
    /** Kinds of credential that the worker's owner keeps there: it asks for none of them. */
    localCredentials: z.array(z.string()).default([]),
  }),
  /** X25519, raw, base64url: credentials are sealed to it (HPKE, RFC 9180). */
  publicKey: z.string(),
  concurrency: z.int().min(1).max(64).default(1),
});
export const registerAnswer = z.object({ workerId: idSchema("wrk") });

/** `POST /v1/jobs/claim`; the same `claimId` again gives the same lease and no new attempt. */
export const claimRequest = z.strictObject({
  workerId: idSchema("wrk"),
  claimId: z.uuid(),
  waitS: z.number().min(0).max(50).default(0),
});
export const lease = z.object({
  jobId: idSchema("job"),
  runId: idSchema("run"),
  attempt: z.int().positive(),
  token: z.string(),
  expiresAt: z.iso.datetime(),
  job: leasedJob,
});
export type Lease = z.infer<typeof lease>;
export const claimAnswer = z.object({ lease: lease.nullable(), drain: z.boolean() });

/** Name and form of the header that proves a lease: `Lease: <attempt>.<token>`. */
export const leaseHeader = "lease";
export function leaseHeaderValue(held: { attempt: number; token: string }): string {
  return `${held.attempt}.${held.token}`;
}

export const renewRequest = z.strictObject({ waitS: z.number().min(0).max(10).default(0) });
export const renewAnswer = z.object({
  expiresAt: z.iso.datetime(),
  cancel: z.boolean(),
  drain: z.boolean(),
});

/** What a worker may say happened. The server moves the stage by the machine; cost comes from `spend` alone. */
export const workerEvents = ["phase_started", "collected", "fix_round"] as const;
export const eventRequest = z.strictObject({
  /** Made once by the worker; the same key again changes nothing and gives the same answer. */
  eventId: z.uuid(),
  event: z.enum(workerEvents),
  phase: z.enum(phases).optional(),
  detail: words(500).optional(),
});
export const eventAnswer = z.object({ seq: z.int(), stage: z.enum(stages) });

/** `offset` counts the lines of this attempt; overlap is trimmed, a gap is `log_gap` with `ackedOffset`. */
export const logsRequest = z.strictObject({
  offset: z.int().nonnegative(),
  lines: z.array(z.object({ at: z.iso.datetime(), level: z.enum(logLevels), message: words(8_192) })).max(500),
});
export const logsAnswer = z.object({ ackedOffset: z.int() });

/** What the server needs to decide about the hold; details are in the artifacts. */
export const permitRequest = z.strictObject({
  treeId: z.string(),
  baseSha: z.string(),
  hasHoldVerdict: z.boolean(),
  hasFlag: z.boolean(),
  checks: z.enum(["green", "red", "none"]),
  isUnfinished: z.boolean(),
});
export type PermitRequest = z.infer<typeof permitRequest>;
export const permitAnswer = z.object({ permitId: z.uuid(), approvedBy: z.string().nullable() });

/** Parks the job and frees the worker. Its tree stays as the artifact `tree.pack`. */
/** Why a run waits for a secret that is there and does not open: problem codes, kept as the run's `reason`. */
export const closedSecretCodes = ["vault_shut", "credential_unreadable"] as const;
export type ClosedSecretCode = (typeof closedSecretCodes)[number];

export const waitRequest = z.strictObject({
  for: z.enum(waitingForValues).exclude(["worker"]),
  question: words(300).optional(),
  /** For `github`: when to try again. */
  untilSeconds: z.number().positive().max(3600).optional(),
  reason: words(200).optional(),
  /** For `credential`: left out when there is none, or one that GitHub or the model refused. */
  code: z.enum(closedSecretCodes).optional(),
  resumeAt: z.enum(phases),
});
export type WaitRequest = z.infer<typeof waitRequest>;

export const outcome = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("published"),
    prNumber: z.int(),
    /** People click on it, and terminals print it. */
    prUrl: z.url({ protocol: /^https?$/, normalize: true }),
    headSha: z.string(),
    isDraft: z.boolean(),
  }),
  /** A person said no at a worker that runs without a control plane. */
  z.strictObject({ kind: z.literal("declined"), reason: words(8_000) }),
]);
export type Outcome = z.infer<typeof outcome>;
/** Where an ending left the run: of complete, fail, wait and release. */
export const ended = z.object({ stage: z.enum(stages) });
export const completeRequest = z.strictObject({ outcome });

export const failRequest = z.strictObject({
  /** The run's `reason`, such as `clone`, `bad_output`, `budget`, `resources`, `github_refused`. */
  code: z.string().regex(/^[a-z][a-z_]{0,39}$/),
  reason: words(2_000),
  retryable: z.boolean(),
  retryAfterS: z.number().positive().max(3600).optional(),
});
export type FailRequest = z.infer<typeof failRequest>;

export const credentialPurposes = ["clone", "model", "publish"] as const;
export type CredentialPurpose = (typeof credentialPurposes)[number];
export const credentialsRequest = z.strictObject({ purpose: z.enum(credentialPurposes) });
/** `sealed` is null when the project has none: the worker then uses its owner's. */
export const credentialsAnswer = z.object({
  sealed: z.object({ type: z.string(), enc: z.string(), ciphertext: z.string() }).nullable(),
});
/** What binds a sealed credential to its lease: HPKE's `info`. */
export function credentialInfo(held: { jobId: string; attempt: number }, purpose: CredentialPurpose): string {
  return `feedback-chat credential 1 ${held.jobId} ${held.attempt} ${purpose}`;
}

export const reserveRequest = z.strictObject({
  requestId: z.uuid(),
  microUsd: z.int().nonnegative(),
});
export const reserveAnswer = z.object({ reservationId: z.uuid() });
export const settleRequest = z.strictObject({
  reservationId: z.uuid(),
  microUsd: z.int().nonnegative(),
  tokens: z.object({ input: z.int().nonnegative(), output: z.int().nonnegative() }).optional(),
});
export const settleAnswer = spend;

/** Artifacts by name; `PUT` sends the bytes. The server refuses more than 10 MiB and any other name. */
export const artifactNames = ["tree.pack", "tree.json", "diff.patch", "evidence.json"] as const;
export type ArtifactName = (typeof artifactNames)[number];
export const maxArtifactBytes = 10 * 1024 * 1024;

/** `tree.json`, beside `tree.pack`: enough for any worker to publish without the tree itself. */
export const treeInfo = z.object({
  baseSha: z.string(),
  baseRef: z.string(),
  treeId: z.string(),
  title: z.string(),
  permit: permitRequest,
  evidence,
});
export type TreeInfo = z.infer<typeof treeInfo>;
