import { randomUUID } from "node:crypto";
import { addressOf, type AnswerOf, type ArgumentsOf, type Operation } from "@feedback-chat/protocol/operation";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { originOf } from "@feedback-chat/protocol/origin-of";
import { fromProblemDetails, Problem, problemDetails } from "@feedback-chat/protocol/problem";
import type { CommandContext } from "../command.ts";
import { openProfiles } from "./profiles.ts";

type Context = Pick<CommandContext, "config" | "flags">;
export type ApiClient = {
  url: string;
  /** The project that `--project`, the environment or the profile names. @throws Problem usage */
  projectId(): string;
  /** One route of the server's table: path, body and answer are checked against what the table says. */
  call<O extends Operation>(operation: O, ...input: ArgumentsOf<O>): Promise<AnswerOf<O>>;
  /** For streams and raw bytes: the response as it comes. Ends with `signal`. */
  stream(address: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
};

/**
 * The control plane as a logged-in user reaches it: flag > environment > stored login.
 * A stored token goes to its own origin only.
 * @throws Problem unauthenticated when there is no address or no token.
 */
export function openApi({ config, flags }: Context): ApiClient {
  const profiles = openProfiles(config.configFolder);
  const url = addressFor({ config, flags });
  const stored = profiles.forUrl(url);
  const token = config.token ?? stored?.token;
  if (!token)
    throw new Problem("unauthenticated", `There is no login for ${url}.`, {
      next: "Run `feedback-chat login`, or set FEEDBACK_CHAT_TOKEN.",
    });
  return clientOf(url, token, flags.project ?? config.project ?? stored?.project);
}

/**
 * Which control plane is meant: flag > environment > stored login.
 * @throws Problem unauthenticated without any; validation_failed for an address with a path
 */
export function addressFor({ config, flags }: Context): string {
  const url = flags.url ?? config.url ?? openProfiles(config.configFolder).read(flags.profile)?.url;
  if (url) return originOf(url, flags.url ? "--url" : config.url ? "FEEDBACK_CHAT_URL" : "The stored login's address");
  throw new Problem("unauthenticated", "No control plane is known.", {
    next: "Start one with `feedback-chat up`, or `feedback-chat login --url https://…`.",
  });
}

/** A client for a known address and token. */
export function clientOf(url: string, token: string | null, project?: string): ApiClient {
  const base = url.replace(/\/$/, "");
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  async function call<O extends Operation>(operation: O, ...input: ArgumentsOf<O>): Promise<AnswerOf<O>> {
    const { body } = (input[0] ?? {}) as { body?: unknown };
    const response = await reach(`${base}${addressOf(operation, ...input)}`, {
      method: operation.method.toUpperCase(),
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(operation.isCreating ? { "idempotency-key": randomUUID() } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = await readJson(response, base);
    return operation.answer?.parse(answer) as AnswerOf<O>;
  }
  return {
    url: base,
    projectId() {
      if (!project)
        throw new Problem("usage", "No project is named.", {
          next: "Give --project, or set FEEDBACK_CHAT_PROJECT. `feedback-chat projects list` shows them.",
        });
      return project;
    },
    call,
    async stream(address, extra, signal) {
      const response = await reach(`${base}${address}`, { headers: { ...headers, ...extra }, signal });
      if (!response.ok) await readJson(response, base);
      return response;
    },
  };
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    // No token follows a redirect to another origin.
    return await fetch(url, { ...init, redirect: "error" });
  } catch (error) {
    const known = networkCause(error);
    const cause = (error as Error).cause as Error | undefined;
    const detail = known?.detail ?? cause?.message ?? (error as Error).message;
    throw new Problem("network", `${new URL(url).origin} does not answer: ${detail}.`, {
      ...(known?.next ? { next: known.next } : {}),
      cause: error,
    });
  }
}

async function readJson(response: Response, base: string): Promise<unknown> {
  const text = await response.text();
  let body: unknown;
  try {
    body = text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new Problem(
      "network",
      `${base} did not answer with JSON (status ${response.status}): is it a control plane?`,
      { cause: error },
    );
  }
  if (response.ok) return body;
  const details = problemDetails.safeParse(body);
  if (details.success) throw fromProblemDetails(details.data);
  throw new Problem("network", `${base} answered with status ${response.status}.`);
}
