import type { DeviceLookAnswer } from "@feedback-chat/protocol/device";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { countAttempt, takeBackAttempt } from "../sessions/guard-password.ts";
import { hashUserCode } from "./device-codes.ts";

type Deps = { db: Db };
type Input = { caller: Caller; hasSession: boolean; userCode: string };

/** What a code would let in. @throws Problem forbidden, not_found, rate_limited after five wrong codes */
export async function lookAtDevice(deps: Deps, input: Input): Promise<DeviceLookAnswer> {
  return guarded(deps, input, async (hash) => {
    const { rows } = await asSystem(deps.db, (tx) =>
      sql<{ machine: string; address: string; expires_at: Date }>`
        select machine, address, expires_at from fc.device_codes
        where user_hash = ${hash} and decision is null and expires_at > now()`.execute(tx),
    );
    return rows.map(({ expires_at: expiresAt, ...row }) => ({ ...row, expiresAt: expiresAt.toISOString() }))[0];
  });
}

/**
 * Lets the command line with this code in as the caller, or sends it away; once. Only a session decides: a stolen token
 * makes no other.
 * @throws Problem forbidden, not_found, rate_limited after five wrong codes
 */
export async function decideDevice(deps: Deps, input: Input & { decision: "approved" | "denied" }): Promise<void> {
  await guarded(deps, input, async (hash, userId) => {
    const { rows } = await asSystem(deps.db, (tx) =>
      sql<{ id: string }>`update fc.device_codes set decision = ${input.decision}, user_id = ${userId}
        where user_hash = ${hash} and decision is null and expires_at > now() returning id`.execute(tx),
    );
    return rows[0];
  });
}

/** Each wrong code counts, a right one forgives none: else one's own codes would buy guesses at others'. */
async function guarded<T>(
  deps: Deps,
  { caller, hasSession, userCode }: Input,
  find: (hash: Buffer, userId: string) => Promise<T | undefined>,
): Promise<T> {
  if (caller.kind !== "user" || !hasSession)
    throw new Problem("forbidden", "A command line is let in by somebody who is logged in to the dashboard.");
  const attempt = { email: `device code by ${caller.userId}`, address: "" };
  await countAttempt(deps, attempt);
  const found = await find(hashUserCode(userCode), caller.userId);
  if (found) {
    await takeBackAttempt(deps, attempt);
    return found;
  }
  throw new Problem("not_found", "This code is wrong, was used, or is over.", {
    next: "Compare it with your terminal, or start the login there again.",
  });
}
