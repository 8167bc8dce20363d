import { PostgresDialect, type PostgresDialectConfig, PostgresDriver, type TransactionSettings } from "kysely";
import type { DatabaseConnection } from "kysely";
import type { Db } from "./database.ts";

/** Postgres' own default, named only to tell these transactions from others. */
const isolationLevel = "read committed";

/** The first statement of a transaction that `begunByFirstStatement` opens has to begin with this. */
export const lateBegin = `begin isolation level ${isolationLevel}`;

/**
 * A transaction without a `begin` of its own: its first statement brings it along, and saves a round trip. Each
 * request has several, so that was a third of what the database was asked.
 */
export function begunByFirstStatement(db: Db) {
  return db.transaction().setIsolationLevel(isolationLevel);
}

/** The same, ended by whoever asked for it. */
export function startedLate(db: Db) {
  return db.startTransaction().setIsolationLevel(isolationLevel).execute();
}

class LateBeginDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    if (settings.isolationLevel !== isolationLevel) await super.beginTransaction(connection, settings);
  }
}

/** Kysely's Postgres, with `begunByFirstStatement`. */
export class LateBeginDialect extends PostgresDialect {
  readonly #settings: PostgresDialectConfig;
  constructor(settings: PostgresDialectConfig) {
    super(settings);
    this.#settings = settings;
  }
  override createDriver(): PostgresDriver {
    return new LateBeginDriver(this.#settings);
  }
}
