import { type Kysely, type Transaction } from "kysely";
import type pg from "pg";

/** Our SQL is written as SQL; kysely gives the pool, the tag and the transactions, and knows no table. */
// oxlint-disable-next-line typescript/no-explicit-any -- kysely's own default for "any schema"
export type Db = Kysely<any>;
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export type Tx = Transaction<any>;

/** One open database: embedded (PGlite, a pool of exactly one) or a server. */
export interface Database extends AsyncDisposable {
  readonly kind: "embedded" | "server";
  readonly db: Db;
  /** For what needs a connection of its own. */
  readonly pool: pg.Pool;
  /** Calls `heard` for each NOTIFY on the channel, on every replica. Survives lost connections; `heard("")` then says "look again". */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}
