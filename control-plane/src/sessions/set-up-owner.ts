import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { SetupOwnerAnswer, setupOwnerRequest } from "@feedback-chat/protocol/account";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type * as z from "zod";
import { createKey } from "../keys/create-key.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { hashOwnerCode, ownerCodeFile } from "./offer-owner-code.ts";
import { loginFrom } from "./login-from.ts";
import type { Sessions } from "./open-sessions.ts";

type Deps = {
  db: Db;
  sessions: Sessions;
  newId: () => string;
  config: { dataFolder: string | undefined };
};
type Wanted = z.output<typeof setupOwnerRequest>;

/**
 * Makes the instance's first person: its owner and operator. The code works once; of two at once, one wins.
 * @throws Problem unauthenticated for a code that is wrong, used or over.
 */
export async function setUpOwner(deps: Deps, wanted: Wanted): Promise<SetupOwnerAnswer> {
  const { db, sessions } = deps;
  const hash = hashOwnerCode(wanted.code);
  if (!(await isOpen(db, hash))) throw wrongCode();
  await removeHalfMade(deps, wanted.email);
  const userId = await sessions.createAccount({ ...wanted, isEmailProven: true });
  if (!userId) throw new Problem("name_taken", "This e-mail has an account.");
  try {
    // As the system: the owner's workspace is what is being decided.
    const answer = await asSystem(db, (tx) => becomeOwner(tx, deps, { ...wanted, hash, userId }));
    if (deps.config.dataFolder) await rm(join(deps.config.dataFolder, ownerCodeFile), { force: true });
    return answer;
  } catch (error) {
    await sessions.removeAccount(userId);
    throw error;
  }
}

async function becomeOwner(
  tx: Tx,
  { newId }: Deps,
  wanted: Wanted & { hash: Buffer; userId: string },
): Promise<SetupOwnerAnswer> {
  const { userId, email, name } = wanted;
  const used = await sql`
    update fc.instance set owner_code_hash = null, owner_code_expires_at = null
    where owner_code_hash = ${wanted.hash} and owner_code_expires_at > now() returning 1`.execute(tx);
  if (used.rows.length === 0) throw wrongCode();
  const login = wanted.login ?? loginFrom(email);
  await sql`insert into fc.users (id, email, name, login, is_operator) values (${userId}, ${email}, ${name}, ${login}, true)`.execute(
    tx,
  );
  const { rows } = await sql<{ workspace_id: string }>`
    insert into fc.workspace_members (workspace_id, user_id, role)
    select id, ${userId}, 'owner' from fc.workspaces order by created_at, id limit 1 returning workspace_id`.execute(
    tx,
  );
  const workspaceId = rows[0]?.workspace_id ?? "";
  const actor = { kind: "user" as const, id: userId, login };
  await writeAudit(tx, {
    id: newId(),
    workspaceId,
    projectId: null,
    actor,
    action: "owner.created",
    target: idOf("usr", userId),
  });
  const token = wanted.wantsCliToken
    ? await createKey(tx, { newId }, { kind: "user", userId, name: wanted.machine, actor })
    : null;
  return {
    userId: idOf("usr", userId),
    workspaceId: idOf("ws", workspaceId),
    login,
    cliToken: token?.key ?? null,
  };
}

async function isOpen(db: Db, hash: Buffer): Promise<boolean> {
  const { rows } = await asSystem(db, (tx) =>
    sql`select from fc.instance where owner_code_hash = ${hash} and owner_code_expires_at > now()`.execute(tx),
  );
  return rows.length > 0;
}

/** A server that died between account and owner left an account of nobody behind. */
async function removeHalfMade({ db, sessions }: Deps, email: string): Promise<void> {
  const left = await sessions.accountOf(email);
  if (!left) return;
  const { rows } = await asSystem(db, (tx) => sql`select from fc.users where id = ${left}`.execute(tx));
  if (rows.length === 0) await sessions.removeAccount(left);
}

const wrongCode = () =>
  new Problem("unauthenticated", "This one-time code is wrong, was used, or is over.", {
    next: "Read the code in the server's output (event `owner.code`), or start the server again for a new one.",
  });
