import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { verifyKey } from "../keys/verify-key.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Authentication } from "../platform/authenticate.ts";
import type { Caller, Role, Who } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { originsOf, type Sessions } from "./open-sessions.ts";

type Deps = { db: Db; sessions: Sessions };

/** Bearer keys of ours, else the session cookie; a cookie's writes must come from our own pages. */
export function makeAuthentication(deps: Deps, { publicUrl }: { publicUrl: string }): Authentication {
  const origins = new Set(originsOf(publicUrl));
  return {
    async callerOf(request, who) {
      const wanted: readonly Who[] = typeof who === "string" ? [who] : who;
      if (wanted.includes("anyone") || wanted.includes("github")) return { kind: "anyone" };
      const bearer = request.headers.get("authorization");
      if (bearer !== null) return verifyKey(deps, /^Bearer +(\S+)$/i.exec(bearer)?.[1] ?? "");
      const userId = await deps.sessions.userIdOf(request.headers);
      const caller = userId ? await userOf(deps, userId) : undefined;
      if (!caller) throw new Problem("unauthenticated", "This needs a key or a session.");
      if (!["GET", "HEAD"].includes(request.method)) refuseForeignOrigin(request, origins);
      return caller;
    },
  };
}

/** The person behind a session, with the roles of this moment. */
async function userOf({ db }: Deps, userId: string): Promise<Caller | undefined> {
  // As the system: a person may be in several workspaces.
  const { rows } = await asSystem(db, (tx) =>
    sql<{
      login: string;
      email: string | null;
      is_operator: boolean;
      roles: Record<string, Role> | null;
    }>`
      select u.login, u.email, u.is_operator,
        (select jsonb_object_agg(m.workspace_id, m.role) from fc.workspace_members m where m.user_id = u.id) as roles
      from fc.users u where u.id = ${userId}`.execute(tx),
  );
  const row = rows[0];
  if (!row) return undefined;
  const { login, email, is_operator: isOperator, roles } = row;
  return { kind: "user", userId, login, email, isOperator, roles: roles ?? {} };
}

function refuseForeignOrigin(request: Request, origins: ReadonlySet<string>): void {
  const origin = request.headers.get("origin");
  if (origin === null || !origins.has(origin))
    throw new Problem("forbidden", "A session writes only from this server's own pages.", {
      next: "Use the dashboard, or send a CLI token as `Authorization: Bearer …`.",
    });
}
