import { sql } from "kysely";
import type { Db } from "../platform/database.ts";

/**
 * Removes what better-auth leaves behind: sessions that are over, with the address and the browser that they came from,
 * links that are over, and counters of requests. Its tables are no tenant's, and the runtime role does not reach them.
 */
export async function forgetSessions({ db }: { db: Db }): Promise<void> {
  await sql`
    with sessions as (delete from auth.session where "expiresAt" < now()),
      links as (delete from auth.verification where "expiresAt" < now())
    delete from auth."rateLimit" where "lastRequest" < extract(epoch from now() - interval '1 hour') * 1000`.execute(
    db,
  );
}
