import * as z from "zod";
import { spend } from "./evidence.ts";
import { idSchema } from "./ids.ts";
import { modelPrices } from "./price.ts";
import { phases } from "./run-machine.ts";

/** The queue's own word for a job. Parked = `pending` with `run_at = infinity`. */
export const jobStatuses = ["pending", "processing", "done", "failed"] as const;
export type JobStatus = (typeof jobStatuses)[number];

export const origins = ["public", "maintainer"] as const;
export type Origin = (typeof origins)[number];

/** The issue as the gate froze it: later edits count in a later run only. Hostile text, not yet sanitised. */
export const rawSnapshot = z.object({
  issueNumber: z.int(),
  issueUrl: z.string(),
  title: z.string(),
  body: z.string(),
  labels: z.array(z.string()),
  author: z.string(),
  /** Admitted comments only: maintainers' and the reporter's answer. */
  comments: z.array(z.object({ author: z.string(), body: z.string() })),
  frozenAt: z.iso.datetime(),
});
export type RawSnapshot = z.infer<typeof rawSnapshot>;

export const mergePolicies = ["never", "approved"] as const;
export const publishPolicies = ["hold", "hold_flagged", "auto"] as const;
export type PublishPolicy = (typeof publishPolicies)[number];

/** git's rules for names, and of the characters only those that need no quoting anywhere. */
const branchFolders =
  /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*(\/[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*)*$/;

/** A project's settings that steer a run. The defaults are the careful ones. */
export const runSettings = z.object({
  publish: z.enum(publishPolicies).default("hold"),
  /** `approved`: a person's approval of the open pull request merges it too, with that person's rights at GitHub. */
  merge: z.enum(mergePolicies).default("never"),
  budgetMicroUsd: z.int().nonnegative().default(2_000_000),
  dayBudgetMicroUsd: z.int().nonnegative().default(20_000_000),
  /** A week at most: what the database cannot subtract from now would stop its sweeper. */
  budgetMinutes: z.number().positive().max(10_080).default(20),
  maxTurns: z.int().positive().default(100),
  idleMinutes: z.number().positive().max(10_080).default(10),
  engine: z.enum(["claude-code", "command"]).default("claude-code"),
  /** argv of the `command` engine. */
  engineCommand: z.array(z.string()).default([]),
  model: z.string().default("claude-sonnet-4-5"),
  /** Over our own list: of models that it does not name, or of a provider that asks something else. */
  prices: modelPrices.default({}),
  /** The project's own checks as argv lists; null = found from the base commit (package.json's scripts). */
  checks: z
    .array(z.object({ name: z.string(), command: z.array(z.string()).min(1) }))
    .nullable()
    .default(null),
  subFolder: z.string().default(""),
  /** Packages whose install scripts run after the fetch, without a network; "." is the project's own package.json. */
  installScripts: z.array(z.string().min(1).max(214)).max(50).default([]),
  baseRef: z.string().nullable().default(null),
  /** Of the branches that runs push: `<prefix>/issue-N-<rand>`. */
  branchPrefix: z
    .string()
    .max(100)
    .regex(branchFolders, "is no folder of branches")
    .regex(/^(?!refs\/)(?!.*\.lock(\/|$))/, "is a name that git keeps for itself")
    .default("feedback"),
  /** The base commit's CLAUDE.md and AGENTS.md go in as text. */
  useRepositoryInstructions: z.boolean().default(false),
  /** Who is mentioned on the issue when a run waits for a person: `@login` or `@organisation/team`; null = nobody. */
  mention: z
    .string()
    .regex(/^@[A-Za-z0-9][A-Za-z0-9-]{0,38}(\/[A-Za-z0-9._-]{1,100})?$/, "is no @login or @organisation/team")
    .nullable()
    .default(null),
  /** Patterns beside the product's own list, at any depth; one that begins with `!` takes paths out of that list. */
  protectedPaths: z.array(z.string()).default([]),
  /** Talks behind reports are kept, for the project's `talkDays`. Off: they are dropped as they come. */
  storeTalks: z.boolean().default(false),
});
export type RunSettings = z.infer<typeof runSettings>;

export const repository = z.object({
  id: z.int(),
  fullName: z.string(),
  /** Where git speaks, such as `https://github.com/o/n.git`: never with a credential inside. */
  cloneUrl: z.string(),
  /** Base of the REST API, such as `https://api.github.com`. */
  apiUrl: z.string(),
  isPrivate: z.boolean(),
});
export type Repository = z.infer<typeof repository>;

/** What a run has used of its budget, in all its attempts. */
export const runUse = spend.extend({
  /** Of the agent at work. */
  agentMs: z.int().nonnegative(),
  /** Requests that the model answered. */
  turns: z.int().nonnegative(),
});
export type RunUse = z.infer<typeof runUse>;
export const nothingUsed: RunUse = { costMicroUsd: 0, inputTokens: 0, outputTokens: 0, agentMs: 0, turns: 0 };

/** What a lease hands to a worker: everything that a run needs, and no secret. */
export const leasedJob = z.object({
  projectId: idSchema("prj"),
  issueNumber: z.int(),
  repository,
  /** The one ref of this run, fixed when the run was made: `<branchPrefix>/issue-N-<rand>`. */
  branch: z.string(),
  origin: z.enum(origins),
  triggeredBy: z.string(),
  resumeAt: z.enum(phases),
  snapshot: rawSnapshot,
  settings: runSettings,
  /** An authorised person's text from `request_changes`; data for the agent, like the issue. */
  changeRequest: z.string().nullable(),
  /** The run's one question and its answer, if there was one. */
  question: z.object({ text: z.string(), answer: z.string().nullable() }).nullable(),
  /** Set when a person approved: the login that the pull request names. */
  approvedBy: z.string().nullable(),
  prNumber: z.int().nullable(),
  /** Names of the artifacts of earlier attempts, such as `tree.pack`. */
  artifacts: z.array(z.string()),
  /** By the attempts before this one: the ceilings are the run's. */
  used: runUse.default(nothingUsed),
  /** What the attempts before this one have logged: the log's limit is the run's too. */
  loggedBytes: z.int().nonnegative().default(0),
});
export type LeasedJob = z.infer<typeof leasedJob>;

/** `GET /api/jobs/:jobId`. */
export const job = z.object({
  id: idSchema("job"),
  projectId: idSchema("prj"),
  runId: idSchema("run").nullable(),
  issueNumber: z.int(),
  status: z.enum(jobStatuses),
  isParked: z.boolean(),
  attempt: z.int(),
  maxAttempts: z.int(),
  workerId: idSchema("wrk").nullable(),
  createdAt: z.iso.datetime(),
  completedAt: z.iso.datetime().nullable(),
});
export type Job = z.infer<typeof job>;
