import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Me } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Caller, Role } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";

type Row = {
  id: string;
  login: string;
  email: string | null;
  name: string;
  workspaces: { id: string; name: string; role: Role }[];
};

/** The caller, and the workspaces that they are in, by age. */
export async function readMe({ db }: { db: Db }, caller: Caller): Promise<Me> {
  if (caller.kind !== "user") throw new Problem("forbidden", "A key is nobody.");
  // As the system: a person may be in several workspaces.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`select u.id, u.login, u.email, u.name, coalesce((
        select jsonb_agg(jsonb_build_object('id', w.id, 'name', w.name, 'role', m.role) order by w.id)
        from fc.workspace_members m join fc.workspaces w on w.id = m.workspace_id where m.user_id = u.id), '[]') as workspaces
      from fc.users u where u.id = ${caller.userId}`.execute(tx),
  );
  const row = rows[0];
  if (!row) throw new Problem("unauthenticated", "This account is gone.");
  const { id, login, email, name } = row;
  return {
    user: { id: idOf("usr", id), login, email, name },
    workspaces: row.workspaces.map((workspace) => ({ ...workspace, id: idOf("ws", workspace.id) })),
  };
}
