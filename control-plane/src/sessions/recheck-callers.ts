import { sql } from "kysely";
import { callerOfKey, type KeyRow, keyRowsOf } from "../keys/verify-key.ts";
import { askTogether } from "../platform/ask-together.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Caller, Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import type { Sessions } from "./open-sessions.ts";

type Deps = { db: Db; sessions: Pick<Sessions, "usersOf"> };
type UserRow = {
  id: string | null;
  login: string;
  email: string | null;
  is_operator: boolean;
  roles: Record<string, Role> | null;
};

/** Who still calls in an answer that lasts. Undefined: nobody any more. */
export type Recheck = {
  /** @throws Problem unauthenticated, key_expired */
  byKey(key: string): Promise<Caller>;
  bySession(token: string): Promise<Caller | undefined>;
};

/**
 * Asks again who the readers of answers that last are, with the rights of this moment: for all whose time has come
 * within `gatherMs` in one statement each, since there may be ten thousand.
 */
export function recheckCallers({ db, sessions }: Deps, gatherMs: number): Recheck {
  const rowOf = askTogether<string, KeyRow | undefined>(gatherMs, (keys) => keyRowsOf({ db }, keys));
  const userIdOf = askTogether<string, string | null>(gatherMs, (tokens) => sessions.usersOf(tokens));
  const userOf = askTogether<string, Caller | undefined>(gatherMs, (ids) => usersOf({ db }, ids));
  return {
    byKey: async (key) => callerOfKey(await rowOf(key)),
    async bySession(token) {
      const userId = await userIdOf(token);
      return userId === null ? undefined : userOf(userId);
    },
  };
}

/** As the system: a person may be in several workspaces. */
async function usersOf({ db }: Pick<Deps, "db">, ids: readonly string[]): Promise<(Caller | undefined)[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<UserRow>`
      select u.id, u.login, u.email, u.is_operator,
        (select jsonb_object_agg(m.workspace_id, m.role) from fc.workspace_members m where m.user_id = u.id) as roles
      from unnest(${ids}::uuid[]) with ordinality as asked (id, place) left join fc.users u on u.id = asked.id
      order by asked.place`.execute(tx),
  );
  return rows.map(({ id, login, email, is_operator: isOperator, roles }) =>
    id === null ? undefined : { kind: "user", userId: id, login, email, isOperator, roles: roles ?? {} },
  );
}
