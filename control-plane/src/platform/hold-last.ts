import { type ControlledTransaction, sql } from "kysely";
import type { Db, Tx } from "./database.ts";
import { startedLate } from "./late-begin.ts";

type Open = ControlledTransaction<unknown>;

/** What `as-tenant.ts` asks of a database whose last transaction is held. */
export type Hold = { run<T>(work: (tx: Tx) => Promise<T>): Promise<T> };
export type HeldLast = {
  /** Like the database it was made of, for one request alone. */
  db: Db;
  /** Writes one more thing in the held transaction and commits both, or neither. False: nothing was held. */
  end(write: (tx: Tx) => Promise<void>): Promise<boolean>;
  /** Commits what is held, as if it never had been. */
  letGo(): Promise<void>;
};

const holds = new WeakMap<Db, Hold>();

/** Of a database that `holdLast` made. */
export function holdOf(db: Db): Hold | undefined {
  return holds.get(db);
}

/**
 * A database for one request whose last writing transaction stays open when its work is done, so that what the request
 * answers can be written in it. The next one commits the one before; one that wrote nothing is never held, so nothing
 * is locked while somebody outside is asked.
 */
export function holdLast(of: Db): HeldLast {
  const db = of.withoutPlugins();
  let held: Open | undefined;
  const take = () => {
    const was = held;
    held = undefined;
    return was;
  };
  const letGo = async () => {
    const was = take();
    if (was) await commit(was);
  };
  holds.set(db, {
    async run(work) {
      await letGo();
      const tx = await startedLate(db);
      const result = await orRollBack(tx, async () => {
        const made = await work(tx);
        if (!(await hasWritten(tx))) await tx.commit().execute();
        return made;
      });
      if (tx.isCommitted) return result;
      // One that ran beside this one and ended first.
      const before = take();
      held = tx;
      if (before) await commit(before);
      return result;
    },
  });
  return {
    db,
    letGo,
    async end(write) {
      const last = take();
      if (!last) return false;
      await orRollBack(last, () => write(last));
      await commit(last);
      return true;
    },
  };
}

async function commit(tx: Open): Promise<void> {
  await orRollBack(tx, () => tx.commit().execute());
}

async function orRollBack<T>(tx: Open, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!tx.isCommitted && !tx.isRolledBack) await tx.rollback().execute();
    throw error;
  }
}

/** A row that was locked counts as written. */
async function hasWritten(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`select pg_current_xact_id_if_assigned() is not null as has`.execute(tx);
  return rows[0]?.has ?? false;
}
