import { isProblem } from "@feedback-chat/protocol/problem";
import { cleanLine } from "@feedback-chat/agent/core/clean-log";
import { readRefusal } from "@feedback-chat/agent/core/github-refusal";

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
  const { kind, detail, next, waitSeconds } = readRefusal({ status, headers: response?.headers ?? {}, said }, now);
  return { kind, said: kind === "access" ? `${detail} ${next}` : said, retryAfterSeconds: waitSeconds };
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
