import type { CreateMemberAnswer, createMemberRequest } from "@feedback-chat/protocol/account";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type * as z from "zod";
import type { Config } from "../config.ts";
import { createKey } from "../keys/create-key.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { actorOf, type Caller, hasRole } from "../platform/caller.ts";
import type { Db, Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import type { Sessions } from "../sessions/open-sessions.ts";

type Deps = { db: Db; sessions: Sessions; newId: () => string; config: Pick<Config, "mode"> };
type Wanted = z.output<typeof createMemberRequest>;
type Input = { caller: Caller; workspaceId: string; wanted: Wanted };

/**
 * Makes a person who has no account here, with a role of at most the caller's own. A CLI token comes only together
 * with the new account, and ends when its person proves the address (docs/adr/0008-first-owner.md). Where tenants do not
 * know each other nobody makes accounts for others, and nobody learns who has one.
 * @throws Problem name_taken, forbidden, not_found (hosted)
 */
export async function createMember(deps: Deps, input: Input): Promise<CreateMemberAnswer> {
  const { caller, workspaceId, wanted } = input;
  if (deps.config.mode === "hosted")
    throw new Problem("not_found", "This instance makes no accounts for others.", {
      next: "Invite them: POST /v1/workspaces/:id/invites.",
    });
  if (caller.kind !== "user" || !hasRole(caller.roles[workspaceId], wanted.role))
    throw new Problem("forbidden", `You cannot give the role ${wanted.role}.`);
  const userId = await deps.sessions.createAccount({
    ...wanted,
    password: wanted.password ?? null,
    isEmailProven: false,
  });
  if (!userId)
    throw new Problem("name_taken", "This e-mail has an account here.", {
      next: "Choose another e-mail; people who exist are invited.",
    });
  try {
    // As the system: people are not of one tenant.
    return await asSystem(deps.db, (tx) => join(tx, deps, { ...input, userId }));
  } catch (error) {
    await deps.sessions.removeAccount(userId);
    throw error;
  }
}

async function join(
  tx: Tx,
  { newId }: Deps,
  { caller, workspaceId, wanted, userId }: Input & { userId: string },
): Promise<CreateMemberAnswer> {
  const { email, login, name, role, machine, wantsCliToken } = wanted;
  const actor = actorOf(caller);
  await sql`insert into fc.users (id, email, name, login) values (${userId}, ${email}, ${name}, ${login})`.execute(tx);
  await sql`insert into fc.workspace_members (workspace_id, user_id, role) values (${workspaceId}, ${userId}, ${role})`.execute(
    tx,
  );
  await writeAudit(tx, {
    id: newId(), workspaceId, projectId: null, actor, action: "member.created", target: idOf("usr", userId),
  }); // prettier-ignore
  const token = wantsCliToken ? await createKey(tx, { newId }, { kind: "user", userId, name: machine, actor }) : null;
  return { userId: idOf("usr", userId), login, role, cliToken: token?.key ?? null };
}
