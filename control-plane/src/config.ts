import { type Figures, figuresSchema, scaledFigures } from "@feedback-chat/protocol/figures";
import { type DeploymentEnvironment, deploymentEnvironments } from "@feedback-chat/protocol/healthz";
import { certificateVariables } from "@feedback-chat/protocol/certificates";
import { githubAddresses } from "@feedback-chat/protocol/github-addresses";
import { type HttpProxies, readHttpProxies } from "@feedback-chat/protocol/http-proxies";
import { Problem } from "@feedback-chat/protocol/problem";
import type { ServerVariable } from "@feedback-chat/protocol/server-variables";
import * as z from "zod";
import { addressRanges, type AddressRanges } from "./platform/address-rules.ts";

const empty = z.literal("").transform(() => undefined);
const optional = <T extends z.ZodType>(schema: T) => z.union([empty, schema]).optional();

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((one) => one.trim())
      .filter(Boolean),
  );

function asJson(text: string, { addIssue }: { addIssue: (message: string) => void }): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    addIssue(`is no JSON: ${(error as Error).message}`);
    return z.NEVER;
  }
}

/** The server's environment: the one place that reads it. Every variable has a sentence in docs/configuration.md. */
const environment = z.object({
  /** `self` (default): your own instance; `hosted`: for many tenants, refuses personal Claude tokens. */
  MODE: z.enum(["self", "hosted"]).default("self"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4100),
  HOST: z.string().default("127.0.0.1"),
  /** The address that people and GitHub use; default: where the server listens. */
  PUBLIC_URL: optional(
    z.url({ protocol: /^https?$/ }).refine((text) => /^https?:\/\/[^/?#@]+\/?$/i.test(text), {
      error: "the server answers at the root of its address: write it as https://feedback.example.com, without a path",
    }),
  ),
  /** A Postgres from 15 on. Empty: the embedded database in DATA_DIR. */
  DATABASE_URL: optional(z.string()),
  DATABASE_DIRECT_URL: optional(z.string()),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(20),
  /** Embedded database, master key and owner's code. Empty: in memory, for tests. */
  DATA_DIR: optional(z.string()),
  /** 32 bytes, base64. Empty: a file in DATA_DIR, made at the first start. */
  MASTER_KEY: optional(z.string()),
  /** The key before, while everything is wrapped anew. Empty: the file `master-key.previous` in DATA_DIR, if there is one. */
  MASTER_KEY_PREVIOUS: optional(z.string()),
  /** Requests per minute of one key or person; of one address without either; webhooks of one project. */
  LIMIT_REQUESTS: z.coerce.number().int().min(1).default(600),
  LIMIT_STRANGERS: z.coerce.number().int().min(1).default(60),
  LIMIT_WEBHOOKS: z.coerce.number().int().min(1).default(120),
  /** Private ranges that endpoints may be in, such as `10.0.0.0/8,127.0.0.1`. */
  OUTBOUND_ALLOW: list,
  /** Proxies whose X-Forwarded-For is believed: addresses, ranges, `loopback`. Empty: the connection alone says who asks. */
  TRUSTED_PROXIES: list,
  /** Any mail server, such as `smtps://user:password@mail.example:465`. Empty: links go to the operator's log. */
  SMTP_URL: optional(z.url({ protocol: /^smtps?$/ })),
  /** The sender of mails, such as `feedback-chat <bot@example.com>`; needed with SMTP_URL. */
  MAIL_FROM: optional(z.string().max(320)),
  /** An OAuth app on GITHUB_URL: people sign in with GitHub. Empty: no such button. */
  GITHUB_CLIENT_ID: optional(z.string()),
  GITHUB_CLIENT_SECRET: optional(z.string()),
  /** Shown by a scraper as a bearer token, it opens /metrics and nothing else. */
  METRICS_TOKEN: optional(z.string().min(16)),
  GITHUB_API_URL: optional(z.url()),
  GITHUB_URL: optional(z.url()),
  /** The model's API, for `/v1/debug` and tests of credentials: a run's requests to it are the workers'. */
  ANTHROPIC_BASE_URL: z
    .url()
    .default("https://api.anthropic.com")
    .transform((text) => text.replace(/\/(v1\/?)?$/, "")),
  /** Multiplies every time of the lease protocol; tests use 0.1. */
  FEEDBACK_CHAT_FIGURES_SCALE: z.coerce.number().positive().default(1),
  /** Single figures by name, as JSON, for tests: `{"leaseSeconds":3}`. */
  FEEDBACK_CHAT_FIGURES: optional(z.string().transform(asJson).pipe(z.record(z.string(), z.number()))),
  /** `1`: end when stdin ends, for a starter that may be killed (`up`, `demo`). */
  FEEDBACK_CHAT_STOP_WITH_STDIN: z.enum(["", "0", "1"]).default("0"),
  GIT_SHA: z.string().default("unknown"),
  /** Which deployment this is, for monitoring: reported by `/api/healthz`, changes nothing else. */
  FEEDBACK_CHAT_ENV: z.enum(deploymentEnvironments).default("production"),
} satisfies Record<ServerVariable, z.ZodType>);

export type Config = {
  mode: "self" | "hosted";
  port: number;
  host: string;
  publicUrl: string | undefined;
  databaseUrl: string | undefined;
  databaseDirectUrl: string | undefined;
  databasePoolSize: number;
  dataFolder: string | undefined;
  masterKey: string | undefined;
  previousMasterKey: string | undefined;
  metricsToken: string | undefined;
  limits: { requestsPerMinute: number; strangersPerMinute: number; webhooksPerMinute: number };
  outboundAllow: string[];
  trustedProxies: AddressRanges;
  smtpUrl: string | undefined;
  mailFrom: string | undefined;
  /** Null without an OAuth app. */
  githubSignIn: { clientId: string; clientSecret: string } | null;
  githubApiUrl: string;
  githubUrl: string;
  modelUrl: string;
  /** Of this machine, for what the server itself asks. */
  httpProxies: HttpProxies;
  certificates: Record<string, string | undefined>;
  figures: Figures;
  stopsWithStdin: boolean;
  sha: string;
  environment: DeploymentEnvironment;
};

/** @throws Problem usage, naming the variable that is wrong. */
export function parseConfig(env: Record<string, string | undefined>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const named = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
    throw new Problem("usage", `The environment is not valid: ${named}.`, {
      next: "Correct the variables that are named.",
    });
  }
  const e = parsed.data;
  if (e.SMTP_URL !== undefined && e.MAIL_FROM === undefined)
    throw new Problem("usage", "SMTP_URL is set, MAIL_FROM is not: mails need a sender.", {
      next: "Set MAIL_FROM, such as `feedback-chat <bot@example.com>`.",
    });
  const scaled = scaledFigures(e.FEEDBACK_CHAT_FIGURES_SCALE);
  return {
    mode: e.MODE,
    port: e.PORT,
    host: e.HOST,
    publicUrl: e.PUBLIC_URL,
    databaseUrl: e.DATABASE_URL,
    databaseDirectUrl: e.DATABASE_DIRECT_URL,
    databasePoolSize: e.DATABASE_POOL_SIZE,
    dataFolder: e.DATA_DIR,
    masterKey: e.MASTER_KEY,
    previousMasterKey: e.MASTER_KEY_PREVIOUS,
    metricsToken: e.METRICS_TOKEN,
    limits: {
      requestsPerMinute: e.LIMIT_REQUESTS,
      strangersPerMinute: e.LIMIT_STRANGERS,
      webhooksPerMinute: e.LIMIT_WEBHOOKS,
    },
    outboundAllow: e.OUTBOUND_ALLOW,
    trustedProxies: addressRanges(e.TRUSTED_PROXIES, "TRUSTED_PROXIES"),
    smtpUrl: e.SMTP_URL,
    mailFrom: e.MAIL_FROM,
    githubSignIn: githubSignInOf(e),
    ...githubAddresses({ githubUrl: e.GITHUB_URL, githubApiUrl: e.GITHUB_API_URL }),
    modelUrl: e.ANTHROPIC_BASE_URL,
    httpProxies: readHttpProxies(env),
    certificates: Object.fromEntries(certificateVariables.map((name) => [name, env[name]])),
    figures: e.FEEDBACK_CHAT_FIGURES ? figuresSchema.parse({ ...scaled, ...e.FEEDBACK_CHAT_FIGURES }) : scaled,
    stopsWithStdin: e.FEEDBACK_CHAT_STOP_WITH_STDIN === "1",
    sha: e.GIT_SHA,
    environment: e.FEEDBACK_CHAT_ENV,
  };
}

function githubSignInOf({
  GITHUB_CLIENT_ID: clientId,
  GITHUB_CLIENT_SECRET: clientSecret,
}: z.infer<typeof environment>) {
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
  if (clientId === undefined && clientSecret === undefined) return null;
  throw new Problem("usage", "GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET belong together: one of them is missing.", {
    next: "Set both, or neither.",
  });
}
