import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db; newId: () => string };

/** In the data folder, readable by its owner alone; gone once it was used. */
export const ownerCodeFile = "owner-code";

/**
 * While the instance has no owner: makes sure of the one workspace, and a one-time code (a new one at each start,
 * 24 hours) with which whoever reads the server's output becomes the owner.
 * @returns null when there is an owner.
 */
export async function offerOwnerCode(
  { db, newId }: Deps,
  { dataFolder }: { dataFolder: string | undefined },
): Promise<{ code: string } | null> {
  const code = randomBytes(20).toString("base64url");
  // As the system: there is nobody yet.
  const isOpen = await asSystem(db, async (tx) => {
    const { rows } = await sql`
      update fc.instance set owner_code_hash = ${hashOwnerCode(code)}, owner_code_expires_at = now() + interval '24 hours'
      where not exists (select from fc.workspace_members where role = 'owner') returning 1`.execute(tx);
    if (rows.length === 0) return false;
    await sql`insert into fc.workspaces (id, name) select ${newId()}, 'My workspace' where not exists (select from fc.workspaces)`.execute(
      tx,
    );
    return true;
  });
  if (!isOpen) return null;
  if (dataFolder) writeFileSync(join(dataFolder, ownerCodeFile), `${code}\n`, { mode: 0o600 });
  return { code };
}

export function hashOwnerCode(code: string): Buffer {
  return createHash("sha256").update(code).digest();
}
