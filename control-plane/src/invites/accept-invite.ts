import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Workspace } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import { revokeTokensByOthers } from "../keys/revoke-tokens-by-others.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller, type Role } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { hashInviteToken } from "./invite-token.ts";

type Deps = { db: Db; newId: () => string };
type Accepted = { id: string; workspaceId: string; name: string; role: Role };

/**
 * Makes the caller a member, once, if the invite was for their e-mail. Who is a member already keeps their role. Tokens
 * that others made for the caller would reach the new workspace too: they are dead from now on.
 * @throws Problem not_found for a token that is wrong, used, taken back or over; forbidden for another e-mail's.
 */
export async function acceptInvite({ db, newId }: Deps, caller: Caller, token: string): Promise<Workspace> {
  if (caller.kind !== "user") throw new Problem("forbidden", "This needs a person.");
  const hash = hashInviteToken(token);
  // As the system: the caller is no member yet.
  return asSystem(db, async (tx) => {
    const invite = await useInvite(tx, hash, caller.email);
    if (!invite) throw await whyNot(tx, hash);
    const { workspaceId, name } = invite;
    const { rows } = await sql<{ role: Role }>`
      insert into fc.workspace_members as m (workspace_id, user_id, role) values (${workspaceId}, ${caller.userId}, ${invite.role})
      on conflict (workspace_id, user_id) do update set role = m.role returning role`.execute(tx);
    await revokeTokensByOthers(tx, { newId }, caller);
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId: null, actor: actorOf(caller), action: "invite.accepted", target: idOf("inv", invite.id),
    }); // prettier-ignore
    return { id: idOf("ws", workspaceId), name, role: rows[0]?.role ?? invite.role };
  });
}

async function useInvite(tx: Tx, hash: Buffer, email: string | null): Promise<Accepted | undefined> {
  const { rows } = await sql<Accepted>`
    update fc.invites i set accepted_at = now() from fc.workspaces w
    where i.token_hash = ${hash} and i.accepted_at is null and i.expires_at > now() and lower(i.email) = lower(${email}) and w.id = i.workspace_id
    returning i.id, i.workspace_id as "workspaceId", w.name, i.role`.execute(tx);
  return rows[0];
}

async function whyNot(tx: Tx, hash: Buffer): Promise<Problem> {
  const { rows } =
    await sql`select from fc.invites where token_hash = ${hash} and accepted_at is null and expires_at > now()`.execute(
      tx,
    );
  if (rows.length > 0)
    return new Problem("forbidden", "This invite is for another e-mail address.", {
      next: "Sign in with the address that the invite was sent to.",
    });
  return new Problem("not_found", "This invite is wrong, was used or taken back, or is over.", {
    next: "Ask an admin of the workspace for a new one.",
  });
}
