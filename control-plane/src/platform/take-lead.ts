import { sql } from "kysely";
import { asSystem } from "./as-tenant.ts";
import type { Db } from "./database.ts";

type Deps = { db: Db };
type Lead = { name: string; holder: string; seconds: number };

/**
 * Makes `holder` the one replica that does `name` for so many seconds, or says that another is. The one that leads
 * says so again before they are over. A frozen one that wakes up may be at it beside its successor for a moment: only
 * for work that is done twice without harm.
 */
export async function takeLead({ db }: Deps, { name, holder, seconds }: Lead): Promise<boolean> {
  // As the system: it is the instance's own work.
  const { rows } = await asSystem(db, (tx) =>
    sql`insert into fc.leads as l (name, holder, until) values (${name}, ${holder}, now() + make_interval(secs => ${seconds}))
      on conflict (name) do update set holder = excluded.holder, until = excluded.until
        where l.holder = excluded.holder or l.until < now()
      returning name`.execute(tx),
  );
  return rows.length > 0;
}

/** So that a successor need not wait. */
export async function giveUpLead({ db }: Deps, { name, holder }: Pick<Lead, "name" | "holder">): Promise<void> {
  await asSystem(db, (tx) => sql`delete from fc.leads where name = ${name} and holder = ${holder}`.execute(tx));
}
