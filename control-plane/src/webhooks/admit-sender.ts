import { sql } from "kysely";
import type { Config } from "../config.ts";
import type { Tx } from "../platform/database.ts";
import { type HookedProject, hookedProject } from "./find-project.ts";
import { forgersOf } from "./refuse-forgers.ts";

type Deps = { config: Pick<Config, "limits"> };
export type Admitted = {
  /** Undefined for one that is not known. */
  project: HookedProject | undefined;
  /** Seconds that this address has to wait for its forgeries; above 0 nothing else was asked. */
  forgerSeconds: number;
  /** Seconds until the project's next turn; 0 when this delivery took one. */
  turnSeconds: number;
};
type Row = HookedProject & Pick<Admitted, "forgerSeconds" | "turnSeconds">;

/**
 * All that is asked before a delivery is looked at, in one statement: its time is counted. The turn is taken before the
 * signature is known to be good, so a bad one has to end the transaction: then it took none.
 */
export async function admitSender(
  tx: Tx,
  { config: { limits } }: Deps,
  { projectId, address }: { projectId: string; address: string },
): Promise<Admitted> {
  const { rows } = await sql<Row>`
    select forger.seconds as "forgerSeconds", project.*,
      coalesce(case when forger.seconds = 0 then fc.take_turn('webhooks:' || project.id, ${limits.webhooksPerMinute}::int) end, 0) as "turnSeconds"
    from (values (true)) as one left join (${hookedProject(projectId)}) as project on true
      cross join lateral (
        select fc.wait_of_turn(${forgersOf(address, sql`project.id`)}, ${limits.strangersPerMinute}::int) as seconds
      ) as forger`.execute(tx);
  const [row] = rows;
  if (!row) throw new Error("A look without a row.");
  const { forgerSeconds, turnSeconds, ...project } = row;
  // Of an outer join: an unknown project's columns are all null.
  return { project: (project.id as string | null) === null ? undefined : project, forgerSeconds, turnSeconds };
}
