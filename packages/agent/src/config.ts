import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { figuresSchema, scaledFigures, type Figures } from "@feedback-chat/protocol/figures";
import { certificateVariables } from "@feedback-chat/protocol/certificates";
import { githubAddresses } from "@feedback-chat/protocol/github-addresses";
import { type HttpProxies, readHttpProxies } from "@feedback-chat/protocol/http-proxies";
import { type ModelPrices, modelPrices } from "@feedback-chat/protocol/price";
import { originOf } from "@feedback-chat/protocol/origin-of";
import { Problem } from "@feedback-chat/protocol/problem";
import { secretTextTrouble } from "@feedback-chat/protocol/secret-text";
import * as z from "zod";
import { isOpenedRegistry } from "./core/opened-registries.ts";
import { ignoring } from "./platform/ignoring.ts";
import type { LocalCredentials } from "./ports/coordinator.ts";

/** Where things lie, and what a run needs of this machine; shared by `worker` and `run`. */
export type MachineConfig = {
  /** Job folders and caches. As root it has to be reachable for the sandbox's own uid: never in a home. */
  dataFolder: string;
  /** The engine's program; null = found in this package, on PATH, or in the data folder. */
  enginePath: string | null;
  /** The sandbox's programs, bubblewrap's and podman's; null = found by the system. */
  bwrapPath: string | null;
  podmanPath: string | null;
  /** Which walls must be used; null = the first that can be built. */
  sandbox: "bubblewrap" | "container" | null;
  /** Replaces the project's engine by this argv, for races and crashes in tests. */
  engineCommand: string[] | null;
  /** Where the model's API is, when it is not Anthropic's own. */
  modelUrl: string;
  /** How an API key is shown there. */
  modelAuth: "x-api-key" | "bearer";
  /** The owner's own price list, over the project's and ours. */
  prices: ModelPrices;
  /** Base of GitHub's REST API and of its git, when a job does not name them. */
  githubApiUrl: string;
  githubUrl: string;
  localCredentials: LocalCredentials;
  /** Addresses and ranges outside the public internet that a package registry may be in. */
  registryAllow: string[];
  /** Of this machine, for everything that leaves it; `proxyFor` chooses one for an address. */
  httpProxies: HttpProxies;
  /** PEM files with authorities of the user's own, by the variable that names each. */
  certificates: Partial<Record<(typeof certificateVariables)[number], string>>;
  /** Where programs are found (git, bwrap). Nothing else of the environment goes to a child. */
  searchPath: string;
};

export type WorkerConfig = MachineConfig & {
  controlPlaneUrl: string;
  workerKey: string;
  name: string;
  concurrency: number;
  /** Ends after one job, or at once when none waits. */
  isOnce: boolean;
  /** Port on loopback for `/healthz` and `/metrics`; null = none, 0 = any. */
  healthPort: number | null;
  drainTimeoutSeconds: number;
  figures: Figures;
};

/** `run`: besides the machine, where runs are written down. */
export type RunConfig = MachineConfig & {
  stateFolder: string;
  /** The model of a run on this machine; null = the usual one. */
  model: string | null;
};

const isRoot = process.getuid?.() === 0;
const empty = z.literal("").transform(() => undefined);
const optional = <T extends z.ZodType>(schema: T) => z.union([empty, schema]).optional();
/** Files and pipes end with a line end that belongs to no key. The message never holds the secret. */
const secret = z
  .string()
  .trim()
  .refine((text) => secretTextTrouble(text) === null, {
    error: ({ input }) =>
      `${secretTextTrouble(String(input)) ?? "is no key"}: copy the key again, without what stands around it`,
  });
const url = (name: string) => z.url({ protocol: /^https?$/, error: `${name} is no http(s) address.` });

/**
 * Names in the environment, as a person sets them. Empty means unset.
 * Ours: `FEEDBACK_CHAT_URL` address of the control plane · `FEEDBACK_CHAT_WORKER_KEY` the worker's key ·
 * `FEEDBACK_CHAT_DATA` folder for jobs and caches · `FEEDBACK_CHAT_ENGINE_PATH` the coding agent's program ·
 * `FEEDBACK_CHAT_BWRAP_PATH` bubblewrap's program · `FEEDBACK_CHAT_PODMAN_PATH` podman's · `FEEDBACK_CHAT_SANDBOX` `bubblewrap` or `container`, whatever
 * else could be had · `FEEDBACK_CHAT_ENGINE_COMMAND` another agent's argv as a JSON list · `FEEDBACK_CHAT_WORKER_NAME` ·
 * `FEEDBACK_CHAT_CONCURRENCY` jobs at once · `FEEDBACK_CHAT_ONCE` `1`: end after one job ·
 * `FEEDBACK_CHAT_HEALTH_PORT` · `FEEDBACK_CHAT_DRAIN_TIMEOUT_SECONDS` · `FEEDBACK_CHAT_FIGURES_SCALE` all times of
 * the lease protocol by this factor (tests).
 * `FEEDBACK_CHAT_REGISTRY_ALLOW` addresses, ranges and names that a package registry may have beside public ones ·
 * `FEEDBACK_CHAT_PRICES` prices of models as JSON · `FEEDBACK_CHAT_MODEL_AUTH` `bearer`: the model's key goes as
 * `Authorization: Bearer`.
 * Others': `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN` (shown as Bearer, as OpenRouter wants it),
 * `CLAUDE_CODE_OAUTH_TOKEN`, `GITHUB_TOKEN` the owner's own credentials, used instead of asking for the project's ·
 * `NODE_EXTRA_CA_CERTS`, `SSL_CERT_FILE`, `GIT_SSL_CAINFO` PEM files with authorities of the user's own ·
 * `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case: the machine's proxies ·
 * `ANTHROPIC_MODEL` the model of `run` · `ANTHROPIC_BASE_URL`, `GITHUB_API_URL`, `GITHUB_URL` far ends other than the public ones.
 */
const machineEnvironment = z.object({
  FEEDBACK_CHAT_DATA: optional(z.string()),
  FEEDBACK_CHAT_ENGINE_PATH: optional(z.string()),
  FEEDBACK_CHAT_BWRAP_PATH: optional(z.string()),
  FEEDBACK_CHAT_PODMAN_PATH: optional(z.string()),
  FEEDBACK_CHAT_SANDBOX: optional(z.enum(["bubblewrap", "container"])),
  FEEDBACK_CHAT_ENGINE_COMMAND: optional(z.string().transform(parseArgv)),
  // The routes that are added to it begin with /v1 themselves; many providers' examples have it in the address.
  ANTHROPIC_BASE_URL: optional(url("ANTHROPIC_BASE_URL").transform((text) => text.replace(/\/(v1\/?)?$/, ""))),
  FEEDBACK_CHAT_MODEL_AUTH: optional(z.enum(["x-api-key", "bearer"])),
  FEEDBACK_CHAT_REGISTRY_ALLOW: optional(z.string().transform(parseOpened)),
  FEEDBACK_CHAT_PRICES: optional(z.string().transform(parsePrices)),
  ANTHROPIC_API_KEY: optional(secret),
  ANTHROPIC_AUTH_TOKEN: optional(secret),
  ANTHROPIC_MODEL: optional(z.string().max(200)),
  CLAUDE_CODE_OAUTH_TOKEN: optional(secret),
  GITHUB_TOKEN: optional(secret),
  GITHUB_API_URL: optional(url("GITHUB_API_URL")),
  GITHUB_URL: optional(url("GITHUB_URL")),
  NODE_EXTRA_CA_CERTS: optional(z.string()),
  SSL_CERT_FILE: optional(z.string()),
  GIT_SSL_CAINFO: optional(z.string()),
  XDG_DATA_HOME: optional(z.string()),
  XDG_STATE_HOME: optional(z.string()),
  PATH: optional(z.string()),
});

const workerEnvironment = machineEnvironment.extend({
  FEEDBACK_CHAT_URL: z.string(),
  FEEDBACK_CHAT_WORKER_KEY: secret,
  FEEDBACK_CHAT_WORKER_NAME: optional(z.string().max(100)),
  FEEDBACK_CHAT_CONCURRENCY: optional(z.coerce.number().int().min(1).max(64)),
  FEEDBACK_CHAT_ONCE: optional(z.enum(["0", "1"])),
  FEEDBACK_CHAT_HEALTH_PORT: optional(z.coerce.number().int().min(0).max(65_535)),
  FEEDBACK_CHAT_DRAIN_TIMEOUT_SECONDS: optional(z.coerce.number().positive()),
  FEEDBACK_CHAT_FIGURES_SCALE: optional(z.coerce.number().positive().max(10)),
});

type Environment = Record<string, string | undefined>;

/** Of `main.ts`: the one place that reads the process's environment. */
export function workerConfigOfProcess(): WorkerConfig {
  return parseWorkerConfig(process.env);
}

/** @throws Problem missing_key, validation_failed: each names the variable. */
export function parseWorkerConfig(environment: Environment): WorkerConfig {
  requireSet(environment, "FEEDBACK_CHAT_URL", "the control plane's address");
  requireSet(environment, "FEEDBACK_CHAT_WORKER_KEY", "a worker key (`feedback-chat keys create --worker`)");
  const set = parse(workerEnvironment, environment);
  return {
    ...machineOf(set, environment),
    controlPlaneUrl: originOf(set.FEEDBACK_CHAT_URL, "FEEDBACK_CHAT_URL"),
    workerKey: set.FEEDBACK_CHAT_WORKER_KEY,
    name: set.FEEDBACK_CHAT_WORKER_NAME ?? "worker",
    concurrency: set.FEEDBACK_CHAT_CONCURRENCY ?? 1,
    isOnce: set.FEEDBACK_CHAT_ONCE === "1",
    healthPort: set.FEEDBACK_CHAT_HEALTH_PORT ?? null,
    drainTimeoutSeconds: set.FEEDBACK_CHAT_DRAIN_TIMEOUT_SECONDS ?? 900,
    figures:
      set.FEEDBACK_CHAT_FIGURES_SCALE === undefined
        ? figuresSchema.parse({})
        : scaledFigures(set.FEEDBACK_CHAT_FIGURES_SCALE),
  };
}

/** @throws Problem validation_failed */
export function parseRunConfig(environment: Environment): RunConfig {
  const set = parse(machineEnvironment, environment);
  const stateHome = set.XDG_STATE_HOME ?? join(homeFolder(), ".local", "state");
  return {
    ...machineOf(set, environment),
    stateFolder: join(stateHome, "feedback-chat"),
    model: set.ANTHROPIC_MODEL ?? null,
  };
}

function machineOf(set: z.infer<typeof machineEnvironment>, environment: Environment): MachineConfig {
  const model = modelCredentialOf(set);
  const github = set.GITHUB_TOKEN && { type: "github_token", value: set.GITHUB_TOKEN };
  return {
    dataFolder: set.FEEDBACK_CHAT_DATA ?? defaultDataFolder(set.XDG_DATA_HOME),
    enginePath: set.FEEDBACK_CHAT_ENGINE_PATH ?? null,
    bwrapPath: set.FEEDBACK_CHAT_BWRAP_PATH ?? null,
    podmanPath: set.FEEDBACK_CHAT_PODMAN_PATH ?? null,
    sandbox: set.FEEDBACK_CHAT_SANDBOX ?? null,
    engineCommand: set.FEEDBACK_CHAT_ENGINE_COMMAND ?? null,
    modelUrl: set.ANTHROPIC_BASE_URL ?? "https://api.anthropic.com",
    modelAuth: set.FEEDBACK_CHAT_MODEL_AUTH ?? "x-api-key",
    prices: set.FEEDBACK_CHAT_PRICES ?? {},
    ...githubAddresses({ githubUrl: set.GITHUB_URL, githubApiUrl: set.GITHUB_API_URL }),
    localCredentials: {
      ...(model ? { model } : {}),
      ...(github ? { clone: github, publish: github } : {}),
    },
    registryAllow: set.FEEDBACK_CHAT_REGISTRY_ALLOW ?? [],
    httpProxies: readHttpProxies(environment),
    certificates: Object.fromEntries(certificateVariables.flatMap((name) => (set[name] ? [[name, set[name]]] : []))),
    searchPath: set.PATH ?? "/usr/local/bin:/usr/bin:/bin",
  };
}

/** The first that is set, in the order in which Claude Code looks. */
function modelCredentialOf(set: z.infer<typeof machineEnvironment>) {
  if (set.ANTHROPIC_AUTH_TOKEN) return { type: "bearer_token", value: set.ANTHROPIC_AUTH_TOKEN };
  if (set.ANTHROPIC_API_KEY) return { type: "anthropic_api_key", value: set.ANTHROPIC_API_KEY };
  return set.CLAUDE_CODE_OAUTH_TOKEN && { type: "claude_oauth", value: set.CLAUDE_CODE_OAUTH_TOKEN };
}

function defaultDataFolder(xdgDataHome: string | undefined): string {
  return isRoot
    ? "/var/lib/feedback-chat"
    : join(xdgDataHome ?? join(homeFolder(), ".local", "share"), "feedback-chat");
}

/** @throws Problem validation_failed: a relative path would put files wherever the command was started. */
function homeFolder(): string {
  const home = homeOrNone();
  if (home !== null && isAbsolute(home)) return home;
  throw new Problem("validation_failed", "HOME does not name a folder, and the system knows none for this user.", {
    next: "Set HOME to a folder that this user may write.",
  });
}

function homeOrNone(): string | null {
  try {
    return homedir();
  } catch (error) {
    return ignoring("ERR_SYSTEM_ERROR")(error) ?? null; // the user has no entry of their own, as in some containers
  }
}

function requireSet(environment: Environment, name: string, what: string): void {
  if (!environment[name])
    throw new Problem("missing_key", `${name} is not set: ${what}.`, {
      next: `Set ${name} and start again.`,
    });
}

function parse<T>(schema: z.ZodType<T>, environment: Environment): T {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue) => ({
    path: issue.path.join("."),
    message: issue.message,
  }));
  throw new Problem(
    "validation_failed",
    `The environment is not right: ${errors.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`,
    { errors },
  );
}

function parseOpened(text: string, context: z.RefinementCtx): string[] {
  const ranges = text.split(",").map((range) => range.trim());
  const wrong = ranges.find((range) => !isOpenedRegistry(range));
  if (wrong === undefined) return ranges;
  context.addIssue({ code: "custom", message: `"${wrong}" is no address, range or name such as 10.0.0.5:4873` });
  return z.NEVER;
}

function parseArgv(text: string, context: z.RefinementCtx): string[] {
  return parseJson(z.array(z.string()).min(1), text, { context, example: '["node", "agent.js"]', what: "JSON list" });
}

function parsePrices(text: string, context: z.RefinementCtx): ModelPrices {
  const example = '{"some-model": {"inputUsd": 3, "outputUsd": 15}}';
  return parseJson(modelPrices, text, { context, example, what: "price list" });
}

function parseJson<T>(
  schema: z.ZodType<T>,
  text: string,
  { context, example, what }: { context: z.RefinementCtx; example: string; what: string },
): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    context.addIssue({ code: "custom", message: `is no ${what} such as ${example}` });
    return z.NEVER;
  }
}
