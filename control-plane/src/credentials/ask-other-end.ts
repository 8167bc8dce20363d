import type { CredentialType } from "@feedback-chat/protocol/project";
import { networkCause } from "@feedback-chat/protocol/network-cause";
import { request } from "undici";
import type { Config } from "../config.ts";

type Secret = { type: CredentialType; value: string; githubRepo: string; model: string };
/** `status` null: nothing was learned about the credential itself. */
export type Said = { status: "ok" | "rejected" | null; reason: string | null };

/**
 * Shows a secret to the one that it is for, in the cheapest way that proves it: a look at the project's repository, a
 * count of one word's tokens. It follows no redirect, takes five seconds at most, and says only what the status said.
 */
export async function askOtherEnd(
  { config }: { config: Pick<Config, "githubApiUrl" | "modelUrl"> },
  secret: Secret,
): Promise<Said> {
  const isGithub = secret.type === "github_token";
  const call = isGithub ? lookAtRepository(config.githubApiUrl, secret) : countOneWord(config.modelUrl, secret);
  const { url, ...options } = call;
  try {
    // Both addresses are the operator's own settings, so the machine's proxies serve them.
    const { statusCode: status, body } = await request(url, { ...options, signal: AbortSignal.timeout(5_000) });
    await body.dump();
    return isGithub ? githubSaid(status, secret) : modelSaid(status, secret);
  } catch (error) {
    const cause = networkCause(error);
    if (cause) return { status: null, reason: `It could not be reached: ${cause.detail}.` };
    throw error;
  }
}

function lookAtRepository(url: string, { githubRepo, value }: Secret) {
  const headers = { authorization: `Bearer ${value}`, accept: "application/vnd.github+json", "user-agent": agent };
  return { url: `${url}/repos/${githubRepo}`, method: "GET" as const, headers };
}

function countOneWord(url: string, { type, value, model }: Secret) {
  const proof: Record<string, string> =
    type === "claude_oauth"
      ? { authorization: `Bearer ${value}`, "anthropic-beta": "oauth-2025-04-20" }
      : { "x-api-key": value };
  const headers = {
    ...proof,
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "user-agent": agent,
  };
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] });
  return { url: `${url}/v1/messages/count_tokens`, method: "POST" as const, headers, body };
}

const agent = "feedback-chat";

function githubSaid(status: number, { githubRepo }: Secret): Said {
  if (status === 200) return { status: "ok", reason: null };
  // Only who may see it is told of its new name.
  if (status === 301) return { status: "ok", reason: `${githubRepo} was renamed.` };
  if (status === 401) return { status: "rejected", reason: "GitHub does not accept this token." };
  if (status === 404) return { status: "rejected", reason: `GitHub shows no repository ${githubRepo} to this token.` };
  return { status: null, reason: `GitHub answered with status ${status}.` };
}

function modelSaid(status: number, { model }: Secret): Said {
  if (status === 200) return { status: "ok", reason: null };
  if (status === 401 || status === 403) return { status: "rejected", reason: "The model's API does not accept it." };
  if (status === 404) return { status: null, reason: `The model's API has no ${model}, or counts no tokens.` };
  return { status: null, reason: `The model's API answered with status ${status}.` };
}
