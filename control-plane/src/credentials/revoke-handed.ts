import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import type { Fence } from "../jobs/lease-fence.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";

/** A token of the GitHub App that a worker got for one lease. */
export type HandedToken = { value: string; lease: Fence; endsAt: Date };

type Deps = Pick<AppDeps, "db" | "config" | "now" | "log" | "handed">;

/** An installation's token is good for an hour. */
export const tokenMs = 3_600_000;

/**
 * Revokes at GitHub each handed token whose lease holds its job no more, or whose run is being cancelled: a worker that
 * sleeps through its lease wakes with a dead token. What GitHub cannot answer now is tried again.
 */
export async function revokeHanded(deps: Deps): Promise<void> {
  const { handed, now } = deps;
  for (const token of handed) if (token.endsAt <= now()) handed.delete(token);
  const tokens = [...handed];
  if (tokens.length === 0) return;
  const live = await liveLeases(deps, tokens);
  for (const token of tokens) if (!live.has(keyOf(token.lease))) await revoke(deps, token);
}

async function liveLeases({ db }: Pick<Deps, "db">, tokens: readonly HandedToken[]): Promise<Set<string>> {
  const jobs = tokens.map(({ lease }) => lease.jobId);
  // As the system: they are of all projects that this process served.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ jobId: string; attempt: number; token: string }>`
      select j.id as "jobId", j.attempt, j.lease_token::text as token from fc.job_queue j
      where j.id = any(${jobs}::uuid[]) and j.status = 'processing' and j.cancel_requested_at is null`.execute(tx),
  );
  return new Set(rows.map(keyOf));
}

function keyOf({ jobId, attempt, token }: Fence): string {
  return `${jobId} ${attempt} ${token}`;
}

async function revoke({ config, handed, log, now }: Deps, token: HandedToken): Promise<void> {
  const { jobId, attempt } = token.lease;
  try {
    await openOctokit(config.githubApiUrl, token.value).rest.apps.revokeInstallationAccessToken();
    log.info("token.revoked", { jobId, attempt });
  } catch (error) {
    const { kind, said } = githubTrouble(error, now());
    log.warn("token.not_revoked", { jobId, attempt, trouble: kind, reason: said });
    if (kind === "unreachable" || kind === "rate") return;
  }
  handed.delete(token);
}

export function startRevoking(deps: Deps & Pick<AppDeps, "signals">): Doing {
  const everySeconds = deps.config.figures.sweepEverySeconds;
  return keepDoing(deps, { name: "revoke", everySeconds, channel: null }, () => revokeHanded(deps));
}
