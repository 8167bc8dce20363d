import { Octokit } from "@octokit/rest";

export type OctokitDeps = { fetch: typeof fetch; signal: AbortSignal };

const requestMs = 30_000;

/** A client without retries, logs or environment of its own. */
export function openOctokit(
  { fetch, signal }: OctokitDeps,
  { apiUrl, token }: { apiUrl: string; token: string | null },
): Octokit {
  const timed: typeof fetch = (url, init) =>
    fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]) });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({
    baseUrl: apiUrl.replace(/\/$/, ""),
    userAgent: "feedback-chat",
    log: silent,
    request: { fetch: timed },
    ...(token === null ? {} : { auth: token }),
  });
}
