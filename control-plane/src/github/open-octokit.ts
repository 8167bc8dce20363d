import { Octokit } from "@octokit/rest";

const requestMs = 10_000;

/** Without retries and logs of its own: our loops come back by themselves. */
export function openOctokit(baseUrl: string, auth: string | null): Octokit {
  const timed: typeof fetch = (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(requestMs) });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  return new Octokit({
    baseUrl,
    ...(auth === null ? {} : { auth }),
    userAgent: "feedback-chat",
    log: silent,
    request: { fetch: timed },
  });
}
