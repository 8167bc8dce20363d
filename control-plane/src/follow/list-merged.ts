import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

type Deps = { db: Db };
export type Merged = { id: string; projectId: string; mergeSha: string };

/** Runs that wait for their merge to be deployed, some of them where there are very many. As the system: of all projects. */
export async function listMerged({ db }: Deps): Promise<Merged[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<Merged>`
      select r.id, r.project_id as "projectId", r.merge_sha as "mergeSha"
      from fc.pipeline_runs r join fc.projects p on p.id = r.project_id
      where r.stage = 'preview_ready' and r.result is null and r.github_pr_number is not null and r.merge_sha is not null
        and p.deleted_at is null
      order by random() limit 500`.execute(tx),
  );
  return rows;
}
