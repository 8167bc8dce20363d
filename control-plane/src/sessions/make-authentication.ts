import { idSchema, uuidOf } from "@feedback-chat/protocol/ids";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Config } from "../config.ts";
import { verifyKey } from "../keys/verify-key.ts";
import { gatherMsOf } from "../platform/ask-together.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Asked, Authentication } from "../platform/authenticate.ts";
import type { Caller, Role, Who } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { refuseUntil, takeTurn } from "../platform/take-turn.ts";
import { originsOf, type Sessions } from "./open-sessions.ts";
import { recheckCallers } from "./recheck-callers.ts";

type Deps = { db: Db; sessions: Sessions; config: Pick<Config, "limits" | "figures"> };

/**
 * Bearer keys of ours, else the session cookie; a cookie's writes must come from our own pages. Each request takes its
 * turn: of its key, its person, or, when nobody is known by it, of the address that it comes from.
 */
export function makeAuthentication(deps: Deps, { publicUrl }: { publicUrl: string }): Authentication {
  const origins = new Set(originsOf(publicUrl));
  const { db, sessions } = deps;
  const { requestsPerMinute, strangersPerMinute } = deps.config.limits;
  const asStranger = (address: string) => takeTurn(db, `address:${address}`, strangersPerMinute);
  const again = recheckCallers(deps, gatherMsOf(deps.config.figures));
  /** Of requests that came by a session: a cookie proves itself once, and its session is asked for again. */
  const tokens = new WeakMap<Request, string>();
  const byCookie = async (request: Request, perMinute: number | null) => {
    const session = await sessions.sessionOf(request.headers);
    if (!session) return undefined;
    tokens.set(request, session.token);
    return userOf(deps, session.userId, perMinute);
  };
  const bySession = async (request: Request, { isRecheck, isGathered }: Asked) => {
    const caller = isGathered
      ? await again.bySession(tokens.get(request) ?? "")
      : await byCookie(request, isRecheck ? null : requestsPerMinute);
    if (!caller) throw new Problem("unauthenticated", "This needs a key or a session.");
    if (!["GET", "HEAD"].includes(request.method)) refuseForeignOrigin(request, origins);
    return caller;
  };
  const byKey = async (bearer: string, { isRecheck, isGathered, jobId, who, names }: Asked) => {
    // What a worker does under a lease counts for that job: a machine with many slots is no flood. Whether the key
    // holds that job is the database's to say: for any other it is the key's own turn.
    const namesJob = jobId !== null && namesOf(who).includes("lease") && idSchema("job").safeParse(jobId).success;
    const turn = { perMinute: requestsPerMinute, jobId: namesJob ? uuidOf("job", jobId) : null };
    const key = /^Bearer +(\S+)$/i.exec(bearer)?.[1] ?? "";
    if (isGathered) return { caller: await again.byKey(key) };
    return verifyKey(deps, key, { turn: isRecheck ? null : turn, names });
  };
  return {
    async callerOf(request, asked) {
      const wanted = namesOf(asked.who);
      // Proven by a signature, and counted per project once that is right; bad ones by `refuse-forgers.ts`.
      if (wanted.includes("github")) return { caller: { kind: "anyone" } };
      if (wanted.includes("anyone")) {
        if (!asked.isUnlimited) await asStranger(asked.address);
        return { caller: { kind: "anyone" } };
      }
      const bearer = request.headers.get("authorization");
      try {
        return bearer === null ? { caller: await bySession(request, asked) } : await byKey(bearer, asked);
      } catch (error) {
        if (isProblem(error, "unauthenticated") || isProblem(error, "key_expired")) await asStranger(asked.address);
        throw error;
      }
    },
  };
}

function namesOf(who: Who | readonly Who[]): readonly Who[] {
  return typeof who === "string" ? [who] : who;
}

/** The person behind a session, with the roles of this moment. */
async function userOf({ db }: Deps, userId: string, perMinute: number | null): Promise<Caller | undefined> {
  // As the system: a person may be in several workspaces.
  const { rows } = await asSystem(db, (tx) =>
    sql<{
      login: string;
      email: string | null;
      is_operator: boolean;
      roles: Record<string, Role> | null;
      wait_seconds: number | null;
    }>`
      select u.login, u.email, u.is_operator, fc.take_turn('user:' || u.id, ${perMinute}::int) as wait_seconds,
        (select jsonb_object_agg(m.workspace_id, m.role) from fc.workspace_members m where m.user_id = u.id) as roles
      from fc.users u where u.id = ${userId}`.execute(tx),
  );
  const row = rows[0];
  if (!row) return undefined;
  refuseUntil(row.wait_seconds ?? 0);
  const { login, email, is_operator: isOperator, roles } = row;
  return { kind: "user", userId, login, email, isOperator, roles: roles ?? {} };
}

/** @throws Problem forbidden for what does not come from a page of ours. */
export function refuseForeignOrigin(request: Request, origins: ReadonlySet<string>): void {
  const origin = request.headers.get("origin");
  if (origin === null || !origins.has(origin))
    throw new Problem("forbidden", "A session writes only from this server's own pages.", {
      next: "Use the dashboard, or send a CLI token as `Authorization: Bearer …`.",
    });
}
