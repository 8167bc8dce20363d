import type { IncomingHttpHeaders } from "node:http";

/** `anthropic_api_key` goes as `x-api-key`; `bearer_token` (OpenRouter and others) and `claude_oauth` as Bearer. */
export type ModelCredential = { type: string; value: string };

/** Betas that the engine asks for and that open nothing: no files, no tools of the provider, no longer prompts. */
const allowedBetas = new Set([
  "claude-code-20250219", "interleaved-thinking-2025-05-14", "context-management-2025-06-27", "thinking-token-count-2026-05-13",
  "thinking-display-updates-2026-08-18", "fine-grained-tool-streaming-2025-05-14", "effort-2025-11-24", "token-counting-2024-11-01",
]); // prettier-ignore
const oauthBeta = "oauth-2025-04-20";

/** What the provider sees: ours, made anew; of the client's only its protocol version and harmless betas. */
export function requestHeaders(client: IncomingHttpHeaders, credential: ModelCredential): Record<string, string> {
  const isOauth = credential.type === "claude_oauth";
  const asked = String(client["anthropic-beta"] ?? "")
    .split(",")
    .map((beta) => beta.trim());
  const betas = [...new Set(asked.filter((beta) => allowedBetas.has(beta))), ...(isOauth ? [oauthBeta] : [])];
  const version = String(client["anthropic-version"] ?? "");
  return {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
    "accept-encoding": "identity", // the stream's usage is read on the side
    "anthropic-version": /^\d{4}-\d{2}-\d{2}$/.test(version) ? version : "2023-06-01",
    ...(betas.length > 0 ? { "anthropic-beta": betas.join(",") } : {}),
    ...(isOauth || credential.type === "bearer_token"
      ? { authorization: `Bearer ${credential.value}` }
      : { "x-api-key": credential.value }),
  };
}

const allowedAnswers = ["content-type", "request-id", "retry-after", "x-should-retry", "cache-control"];

/** What the client sees of the provider's headers: nothing that names an account or sets a cookie. */
export function answerHeaders(upstream: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    allowedAnswers.flatMap((name) => (typeof upstream[name] === "string" ? [[name, upstream[name]]] : [])),
  );
}
