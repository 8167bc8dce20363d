import { readRefusal } from "../core/github-refusal.ts";
import { runFailure } from "../ports/run-failure.ts";

/** What the far end of a git command said, as far as its words tell. */
export type RemoteTrouble = "access" | "rate" | "unavailable" | "no_ref" | "other";

export function remoteTrouble({ stderr, isTimedOut }: { stderr: string; isTimedOut: boolean }): RemoteTrouble {
  if (isTimedOut) return "unavailable";
  if (/returned error: 429|rate limit/i.test(stderr)) return "rate";
  if (
    /returned error: 40[134]|authentication failed|could not read (username|password)|repository .*not found|access denied|write access to repository not granted/i.test(
      stderr,
    )
  )
    return "access";
  if (/couldn't find remote ref|not our ref|no such remote ref|remote error: upload-pack: not our ref/i.test(stderr))
    return "no_ref";
  if (
    /returned error: 5\d\d|could not resolve|failed to connect|connection (refused|reset|timed out)|empty reply|early eof|rpc failed|unexpected disconnect|operation too slow|couldn't connect|from proxy|proxy connect|connect tunnel|certificate|expected flush|hung up/i.test(
      stderr,
    )
  )
    return "unavailable";
  return "other";
}

const connecting = [
  [
    /certificate/i,
    "git does not trust its certificate.",
    "Set GIT_SSL_CAINFO or NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority, then retry.",
  ],
  [
    /(?:HTTP code|response) (\d+) from proxy|CONNECT tunnel failed, response (\d+)|proxy connect|resolve proxy/i,
    "the proxy did not let git through.",
    "Check HTTPS_PROXY, its user and password, and NO_PROXY, then retry.",
  ],
] as const;

/** What keeps git from connecting at all, and what helps; null where its own words say more. */
export function connectTrouble(stderr: string): { detail: string; next: string } | null {
  const row = connecting.find(([pattern]) => pattern.test(stderr));
  return row ? { detail: row[1], next: row[2] } : null;
}

export function accessFailure(what: "read" | "write", stderr: string) {
  const status = Number(/returned error: (40[134])/.exec(stderr)?.[1] ?? statusOfWords(stderr));
  const remote = [...stderr.matchAll(/^remote: (.*)$/gm)].map(([, line]) => line?.trim());
  const said = remote.filter(Boolean).join(" ").slice(0, 500);
  // git shows no headers; these words mean the one permission that git needs.
  const isPermission = status === 403 && (said === "" || /not granted|permission to .* denied/i.test(said));
  const { detail, next } = readRefusal({ status, headers: {}, said: said || "no reason given" }, new Date(0));
  return runFailure("github_access", isPermission ? `GitHub refused the token for git (${what}).` : detail, {
    next: isPermission ? `Give the token the permission "contents: ${what}" for this repository, then retry.` : next,
  });
}

function statusOfWords(stderr: string): number {
  if (/not found/i.test(stderr)) return 404;
  return /authentication failed|could not read/i.test(stderr) ? 401 : 403;
}
