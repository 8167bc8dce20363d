import { isProblem } from "@feedback-chat/protocol/problem";
import { cleanLine } from "@feedback-chat/agent/core/clean-log";

export type GitHubTrouble = {
  /** `unreachable` and `rate` heal by waiting, `access` by a person; `gone` and `refused` do not. */
  kind: "unreachable" | "rate" | "access" | "gone" | "refused";
  said: string;
  retryAfterSeconds: number;
};

/**
 * What an error of the client means to us.
 * @throws the error itself when it is none of GitHub's: then it is a bug of ours.
 */
export function githubTrouble(error: unknown, now: Date): GitHubTrouble {
  const ours = troubleOfApp(error);
  if (ours) return ours;
  const { name, status, response, message } = error as Partial<RequestError>;
  const said = cleanLine(String(message ?? error)).slice(0, 300);
  if (name === "GraphqlResponseError") return { kind: "refused", said, retryAfterSeconds: 0 };
  if (name === "AbortError" || name === "TimeoutError") return { kind: "unreachable", said, retryAfterSeconds: 0 };
  if (status === undefined) throw error;
  const waitSeconds = rateWait({ status, said, headers: response?.headers ?? {} }, now);
  if (waitSeconds !== null) return { kind: "rate", said, retryAfterSeconds: waitSeconds };
  return { kind: kindOf(status), said, retryAfterSeconds: 0 };
}

/** What kept the App from getting a token. */
function troubleOfApp(error: unknown): GitHubTrouble | null {
  if (isProblem(error, "github_access"))
    return { kind: "access", said: `${error.message} ${error.next}`, retryAfterSeconds: 0 };
  if (isProblem(error, "github_unreachable")) return { kind: "unreachable", said: error.message, retryAfterSeconds: 0 };
  if (isProblem(error, "rate_limited"))
    return { kind: "rate", said: error.message, retryAfterSeconds: Number(error.facts["retryAfterSeconds"] ?? 60) };
  return null;
}

type RequestError = Error & { status: number; response?: { headers: Headers } };
type Headers = Record<string, string | number | undefined>;

function kindOf(status: number): GitHubTrouble["kind"] {
  if (status === 401 || status === 403) return "access";
  if (status === 404 || status === 410) return "gone";
  return status >= 500 ? "unreachable" : "refused";
}

function rateWait(
  { status, said, headers }: { status: number; said: string; headers: Headers },
  now: Date,
): number | null {
  if (status !== 403 && status !== 429) return null;
  const after = Number(headers["retry-after"]);
  if (Number.isFinite(after) && after > 0) return after;
  const reset = Number(headers["x-ratelimit-reset"]);
  if (String(headers["x-ratelimit-remaining"]) === "0" && Number.isFinite(reset))
    return Math.max(1, reset - now.getTime() / 1000);
  return status === 429 || /rate limit/i.test(said) ? 60 : null;
}
