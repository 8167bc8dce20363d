import { sql } from "kysely";
import type { Db, Tx } from "./database.ts";
import { holdOf } from "./hold-last.ts";
import { begunByFirstStatement, lateBegin } from "./late-begin.ts";

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

/** Goes on as the system in a transaction that began for somebody: what is written then is of no tenant. */
export async function goOnAsSystem(tx: Tx): Promise<void> {
  await sql`set local fc.system = 'on'`.execute(tx);
}

type Scope = { project: string } | { workspace: string } | { system: true };

/** Begins, takes the role and says for whom, in one round trip. `set local` ends with the transaction, whatever ends it. */
async function inScope<T>(db: Db, scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T> {
  const opening = sql.raw(`${lateBegin}; set local role feedback_chat_app; set local ${settingOf(scope)}`);
  const opened = async (tx: Tx) => {
    await opening.execute(tx);
    return work(tx);
  };
  return holdOf(db)?.run(opened) ?? begunByFirstStatement(db).execute(opened);
}

function settingOf(scope: Scope): string {
  if ("system" in scope) return "fc.system = 'on'";
  const [name, id] = "project" in scope ? ["project", scope.project] : ["workspace", scope.workspace];
  // Statements that set take no parameters, so the id is looked at here.
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw new TypeError(`"${id}" is no id of a ${name}.`);
  return `fc.${name} = '${id}'`;
}
