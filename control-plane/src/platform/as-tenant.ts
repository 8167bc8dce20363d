import { sql } from "kysely";
import type { Db, Tx } from "./database.ts";

/**
 * Every query of ours runs in one of these: role and scope are local to the transaction, so neither a pooled
 * connection nor a forgotten `where` can show another tenant's rows. Row level security does the rest.
 */
export async function asProject<T>(db: Db, projectId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inScope(db, { project: projectId }, work);
}

/** All projects of one workspace: lists for its members, claims by its workers. */
export async function asWorkspace<T>(db: Db, workspaceId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inScope(db, { workspace: workspaceId }, work);
}

/**
 * A worker with its lease sees the one project of that lease.
 * `lease.projectId` comes from the row that the lease was checked against, never from the request.
 */
export async function asWorker<T>(db: Db, lease: { projectId: string }, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inScope(db, { project: lease.projectId }, work);
}

/** The instance itself: looking up a key, the sweeper, the outbox. Say in a comment why no tenant is known yet. */
export async function asSystem<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inScope(db, { system: true }, work);
}

async function inScope<T>(
  db: Db,
  scope: { project?: string; workspace?: string; system?: true },
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('role', 'feedback_chat_app', true),
      set_config('fc.project', ${scope.project ?? ""}, true),
      set_config('fc.workspace', ${scope.workspace ?? ""}, true),
      set_config('fc.system', ${scope.system ? "on" : ""}, true)`.execute(tx);
    return work(tx);
  });
}
