import { isProblem } from "@feedback-chat/protocol/problem";
import { type RawBuilder, sql } from "kysely";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { refuseUntil } from "../platform/take-turn.ts";

type Deps = { db: Db; config: Pick<Config, "limits"> };
type Sender = {
  address: string;
  /** What the delivery says that it is for: a project by its path, known or not, or the App with this id. */
  about: { projectId: string | null } | { appId: string | null };
};

/** Only bad signatures of an address count, for each project: nothing is told apart for those that are made up. */
export function forgersOf(address: string, knownProjectId: RawBuilder<unknown>) {
  return sql`concat_ws(':', 'forger', ${address}::text, ${knownProjectId})`;
}

/**
 * Takes a signed delivery, unless its sender has sent as many with a bad signature as a stranger may ask: then nothing is
 * read. Only bad signatures count, for each address and project or App: GitHub sends everybody's webhooks from the same
 * few addresses. Nobody can name a project that they do not know, and whose App a delivery is of, GitHub itself says.
 * @throws Problem rate_limited, and what `take` throws
 */
export async function refuseForgers<T>(deps: Deps, sender: Sender, take: () => Promise<T>): Promise<T> {
  const { strangersPerMinute } = deps.config.limits;
  refuseUntil(await waitOf(deps, sender, strangersPerMinute));
  try {
    return await take();
  } catch (error) {
    if (isProblem(error, "bad_signature")) await countForger(deps, sender);
    throw error;
  }
}

/** Seconds until the next turn; takes none. As the system: nobody is known yet. */
async function waitOf({ db }: Deps, sender: Sender, perMinute: number): Promise<number> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ seconds: number }>`
      select extract(epoch from t.next_at + interval '1 minute' / ${perMinute}::int - interval '1 minute' - clock_timestamp())::float8 as seconds
      from fc.turns t where t.bucket = ${bucketOf(sender)}`.execute(tx),
  );
  return rows[0]?.seconds ?? 0;
}

/** As the system: a bad signature says nothing of whose the delivery is. */
export async function countForger({ db, config }: Deps, sender: Sender): Promise<void> {
  const { strangersPerMinute } = config.limits;
  await asSystem(db, (tx) => sql`select fc.take_turn(${bucketOf(sender)}, ${strangersPerMinute}::int)`.execute(tx));
}

/** A made-up project or App opens no bucket of its own: else who makes up many sends without end. */
function bucketOf({ address, about }: Sender) {
  const known =
    "appId" in about
      ? sql`(select 'app' from fc.github_app a where a.app_id::text = ${about.appId})`
      : sql`(select p.id::text from fc.projects p where p.id = ${about.projectId}::uuid and p.deleted_at is null)`;
  return forgersOf(address, known);
}
