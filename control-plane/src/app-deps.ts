import type { Config } from "./config.ts";
import type { HandedToken } from "./credentials/revoke-handed.ts";
import type { Database, Db } from "./platform/database.ts";
import type { Log } from "./platform/log.ts";
import type { Streams } from "./platform/open-streams.ts";
import type { Sealing } from "./platform/sealing.ts";
import type { Signals } from "./platform/signals.ts";

/** What `main.ts` makes once. Features and verbs name the few of these that they need. */
export type AppDeps = {
  config: Config;
  database: Database;
  db: Db;
  signals: Signals;
  streams: Streams;
  sealing: Sealing;
  /** What the last look at the stored secrets found: names of those that no master key of ours unwraps. */
  vault: { unreadable: readonly string[] };
  /** Tokens that this process minted for leases, until they are revoked or over. Kept nowhere else. */
  handed: Set<HandedToken>;
  log: Log;
  now: () => Date;
  /** UUIDv7. */
  newId: () => string;
};
