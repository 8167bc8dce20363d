/** An error answer of GitHub: its status, its headers in lower case, and its own words, cleaned. */
export type GitHubAnswer = {
  status: number;
  headers: Readonly<Record<string, string | number | undefined>>;
  said: string;
};

/** `rate` and `unreachable` heal by waiting, `access` by a person; `gone` and `refused` do not heal. */
export type GitHubRefusal = {
  kind: "rate" | "unreachable" | "access" | "gone" | "refused";
  detail: string;
  /** What a person can do. It names a permission only where GitHub says that this one is missing. */
  next: string;
  /** Of `rate`. */
  waitSeconds: number;
};

type Told = Pick<GitHubRefusal, "kind" | "detail" | "next">;

/** What an error answer of GitHub means, and what a person can do about it. */
export function readRefusal(answer: GitHubAnswer, now: Date): GitHubRefusal {
  const waitSeconds = rateWait(answer, now);
  const slow: Told = { kind: "rate", detail: `GitHub asks to slow down: ${answer.said}`, next: "Wait, then retry." };
  return { ...(waitSeconds === null ? tellOf(answer) : slow), waitSeconds: waitSeconds ?? 0 };
}

function tellOf(answer: GitHubAnswer): Told {
  const { status, said } = answer;
  const row = rows.find(({ statuses, says }) => statuses.includes(status) && (says?.test(said) ?? true));
  if (row) return { kind: row.kind, detail: row.detail(said), next: row.next(answer) };
  if (status >= 500)
    return { kind: "unreachable", detail: `GitHub did not answer (${status}): ${said}`, next: "Retry later." };
  return {
    kind: "refused",
    detail: `GitHub refuses: ${said}`,
    next: "Read GitHub's message, correct what it names, then retry.",
  };
}

type Row = {
  statuses: readonly number[];
  says?: RegExp;
  kind: GitHubRefusal["kind"];
  detail(said: string): string;
  next(answer: GitHubAnswer): string;
};

const access = (statuses: number[], says: RegExp | undefined, detail: string, next: string | Row["next"]): Row => ({
  statuses,
  ...(says ? { says } : {}),
  kind: "access",
  detail: (said) => (says ? `${detail} It said: ${said}` : detail),
  next: typeof next === "string" ? () => next : next,
});

/** The first that fits. Words: what GitHub answers today, checked without regard to case. */
const rows: readonly Row[] = [
  access([401], undefined, "GitHub does not accept the token: it is wrong, has expired, or was revoked.", "Renew the token, then retry."),
  access([403], /SAML|single sign-on|SSO/i, "The organization wants this token to be authorized for single sign-on.", ssoNext),
  access([403], /IP allow list|IP address .*not permitted/i, "The organization admits no token from this machine's address.", "Ask an owner of the organization to add the address to its IP allow list, then retry."),
  access([403], /suspended/i, "GitHub has suspended the account or the App's installation.", "Ask an owner of the account or the organization to lift the suspension, then retry."),
  { statuses: [403], says: /archived/i, kind: "refused", detail: () => "The repository is archived: nobody can write to it.", next: () => "Unarchive it on GitHub, then retry." },
  access([403, 451], /DMCA|legal|access blocked/i, "GitHub has blocked the repository for legal reasons.", "Read the notice on the repository's page. No token changes that."),
  access([451], undefined, "GitHub has blocked the repository for legal reasons.", "Read the notice on the repository's page. No token changes that."),
  access([403], /blocked/i, "GitHub has blocked this account from the repository.", "Use the token of an account that may work there."),
  access([403], /OAuth App access restrictions|forbids access via|personal access token.*(lifetime|classic)/i, "The organization's rules forbid tokens of this kind.", "Use a kind of token that the organization allows, such as a fine-grained one or a GitHub App, or ask an owner to allow this one."),
  access([403], /not accessible by (integration|personal access token)/i, "The token lacks a permission.", permissionNext),
  access([403], /must have|admin rights|write access|collaborator|not authorized to/i, "The token's owner lacks a role in the repository.", "Ask an admin of the repository for the role that GitHub names, or use the token of somebody who has it."),
  { statuses: [403], kind: "access", detail: (said) => `GitHub refuses the access (403): ${said}`, next: permissionNext },
  { statuses: [404], kind: "gone", detail: (said) => `GitHub does not show it to this token (404): ${said}`, next: missingNext },
  { statuses: [410], kind: "gone", detail: (said) => `GitHub has this switched off here: ${said}`, next: () => "Switch it on in the repository's settings, then retry." },
]; // prettier-ignore

function ssoNext({ headers }: GitHubAnswer): string {
  const address = /url=(https:\/\/[^\s;,"'<>]+)/.exec(textOf(headers["x-github-sso"]))?.[1];
  return `${address ? `Open ${address} and authorize` : "Authorize"} the token for the organization, then retry.`;
}

function permissionNext(answer: GitHubAnswer): string {
  const needed = textOf(answer.headers["x-accepted-github-permissions"]);
  const scopes = missingScopes(answer);
  if (needed) return `Give the token this permission for the repository, then retry: ${needed}.`;
  if (scopes.length > 0) return `Give the token one of these scopes, then retry: ${scopes.join(", ")}.`;
  return "Check that the token, and whoever it belongs to, may do this in the repository.";
}

/** GitHub answers 404 for what a token may not know of. */
function missingNext(answer: GitHubAnswer): string {
  const scopes = missingScopes(answer);
  if (scopes.length > 0) return `If it is there, give the token one of these scopes, then retry: ${scopes.join(", ")}.`;
  return "Check the name, and that the token was given this repository: a private one is not there for other tokens.";
}

/** The scopes of which a classic token needs one and has none; nothing for the other kinds of tokens. */
function missingScopes({ headers }: GitHubAnswer): string[] {
  if (headers["x-oauth-scopes"] === undefined) return [];
  const granted = listOf(headers["x-oauth-scopes"]);
  const accepted = listOf(headers["x-accepted-oauth-scopes"]);
  // Wider scopes contain the narrower ones of the same name.
  const has = (scope: string) => granted.some((one) => one === scope || scope.startsWith(`${one}:`));
  return accepted.some(has) ? [] : accepted;
}

function listOf(header: string | number | undefined): string[] {
  return textOf(header).split(",").map((one) => one.trim()).filter(Boolean); // prettier-ignore
}

/** A header is shown to people: one line of plain characters. */
function textOf(header: string | number | undefined): string {
  return String(header ?? "").replaceAll(/[^ -~]/g, "").slice(0, 300); // prettier-ignore
}

/** @returns seconds; null when the answer is no limit of rate */
function rateWait({ status, headers, said }: GitHubAnswer, now: Date): number | null {
  if (status !== 403 && status !== 429) return null;
  const retryAfter = Number(headers["retry-after"]);
  if (Number.isFinite(retryAfter) && retryAfter > 0) return retryAfter;
  const isUsedUp = String(headers["x-ratelimit-remaining"] ?? "") === "0";
  const reset = Number(headers["x-ratelimit-reset"]);
  if (isUsedUp && Number.isFinite(reset)) return Math.max(1, reset - now.getTime() / 1000);
  return status === 429 || /rate limit|abuse detection/i.test(said) ? 60 : null;
}
