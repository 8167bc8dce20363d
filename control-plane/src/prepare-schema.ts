import { Problem } from "@feedback-chat/protocol/problem";
import { checkRuntimeRole } from "./platform/check-runtime-role.ts";
import type { Database } from "./platform/database.ts";
import type { Log } from "./platform/log.ts";
import { lackingMigrations, migrate } from "./platform/migrate.ts";
import { lackingSessionTables, migrateSessions } from "./sessions/open-sessions.ts";

type Deps = { database: Database; log: Log };

/**
 * Brings the schema up to this version under a lock: of many replicas that start at once one works, the others wait.
 * @throws Problem unavailable
 */
export async function prepareSchema(deps: Deps, migrationsFolder: string): Promise<void> {
  const { database, log } = deps;
  const applied = await migrate(database.db, migrationsFolder);
  await migrateSessions(deps);
  await checkRuntimeRole(database.db);
  log.info("database.ready", { kind: database.kind, migrations: applied.length });
}

/**
 * For a replica whose account may not change the schema, or shall not. A newer schema is fine: the release before works on it.
 * @throws Problem unavailable: worth another try, since somebody may be migrating right now.
 */
export async function expectSchema(deps: Deps, migrationsFolder: string): Promise<void> {
  const { database, log } = deps;
  const lacking = [...(await lackingMigrations(database.db, migrationsFolder)), ...(await lackingSessionTables(deps))];
  if (lacking.length > 0)
    throw new Problem(
      "unavailable",
      `The database's schema is older than this server: it lacks ${lacking.join(", ")}.`,
      {
        next: "Run `feedback-chat-server --migrate-only` of this version once, or start without --no-migrate.",
      },
    );
  await checkRuntimeRole(database.db);
  log.info("database.ready", { kind: database.kind, migrations: 0 });
}
