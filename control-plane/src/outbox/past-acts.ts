import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";

/** What we took away from GitHub for a run: `heads/<branch>` that we deleted, `pulls/<number>` that we closed. */
export type PastActs = { has(act: string): boolean; add(act: string): Promise<void> };

/**
 * Reads what all effects of the run have taken away, and keeps what this one does, in its own row. Each is done once:
 * a branch that is there again, or a pull request that is open again, was brought back by a person, and stays.
 */
export async function pastActs(
  { db }: Pick<AppDeps, "db">,
  { id, projectId, runId }: { id: string; projectId: string; runId: string | null },
): Promise<PastActs> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ act: string }>`select act from fc.outbox, jsonb_array_elements_text(payload -> 'acts') as act
      where run_id = ${runId} and payload ? 'acts'`.execute(tx),
  );
  const known = new Set(rows.map(({ act }) => act));
  return {
    has: (act) => known.has(act),
    async add(act) {
      known.add(act);
      await asProject(db, projectId, (tx) =>
        sql`update fc.outbox set payload = jsonb_set(payload, '{acts}', coalesce(payload -> 'acts', '[]') || to_jsonb(${act}::text))
          where id = ${id}`.execute(tx),
      );
    },
  };
}
