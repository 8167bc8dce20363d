import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CreateInviteAnswer, createInviteRequest } from "@feedback-chat/protocol/workspace";
import { sql } from "kysely";
import type * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { queueLinkMail } from "../mail/queue-mail.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller, hasRole } from "../platform/caller.ts";
import type { Tx } from "../platform/database.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { hashInviteToken, mintInviteToken } from "./invite-token.ts";
import { type InviteRow, toInvite } from "./to-invite.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Wanted = z.output<typeof createInviteRequest>;
type Input = { caller: Caller; workspaceId: string; wanted: Wanted };

const lifeSeconds = 7 * 24 * 3_600;
/** Nobody sends mail to the world through us. */
const invitesPerMinute = 20;

/**
 * Invites an e-mail, with a role of at most the caller's own. The link goes to that e-mail alone, or to the operator's
 * log where the instance sends no mail. The same e-mail again gets a new link, and the old one is dead.
 * @throws Problem forbidden, name_taken (a member already), rate_limited, unavailable (the vault is shut)
 */
export async function createInvite(deps: Deps, { caller, workspaceId, wanted }: Input): Promise<CreateInviteAnswer> {
  const { email, role } = wanted;
  if (caller.kind !== "user" || !hasRole(caller.roles[workspaceId], role))
    throw new Problem("forbidden", `You cannot give the role ${role}.`);
  await takeTurn(deps.db, `invites:${workspaceId}`, invitesPerMinute);
  const token = mintInviteToken();
  // As the system: whether that person is a member already is asked by e-mail, and people are not of one tenant.
  const row = await asSystem(deps.db, async (tx) => {
    const made = await upsertInvite(tx, deps, { workspaceId, wanted, hash: hashInviteToken(token) });
    await queueLinkMail(tx, deps, {
      kind: "invite", to: email, lifeSeconds, isWanted: true,
      subject: `Invitation to the workspace ${made.workspace}`,
      body: `${caller.login} invites you to the workspace "${made.workspace}" of feedback-chat, as ${role}.\n\nAccept within 7 days, signed in with this e-mail address: {link}\n`,
      link: `${deps.config.publicUrl ?? ""}/invite#token=${token}`,
    }); // prettier-ignore
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId: null, actor: actorOf(caller), action: "invite.created", target: idOf("inv", made.id),
    }); // prettier-ignore
    return made;
  });
  return { invite: toInvite(row), linkWentTo: deps.config.smtpUrl === undefined ? "operator_log" : "mail" };
}

async function upsertInvite(tx: Tx, { newId }: Deps, of: { workspaceId: string; wanted: Wanted; hash: Buffer }) {
  const { email, role } = of.wanted;
  const { rows } = await sql<InviteRow & { workspace: string }>`
    insert into fc.invites as i (id, workspace_id, email, role, token_hash, expires_at)
    select ${newId()}, ${of.workspaceId}, ${email}, ${role}, ${of.hash}, now() + make_interval(secs => ${lifeSeconds})
    where not exists (select from fc.workspace_members m join fc.users u on u.id = m.user_id
      where m.workspace_id = ${of.workspaceId} and lower(u.email) = ${email})
    on conflict (workspace_id, lower(email)) where accepted_at is null
      do update set role = excluded.role, token_hash = excluded.token_hash, expires_at = excluded.expires_at
    returning i.*, (select name from fc.workspaces w where w.id = i.workspace_id) as workspace`.execute(tx);
  const row = rows[0];
  if (!row)
    throw new Problem("name_taken", "Somebody with this e-mail is a member already.", {
      next: "Change their role instead.",
    });
  return row;
}
