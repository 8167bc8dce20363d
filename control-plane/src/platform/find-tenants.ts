import { type RawBuilder, sql } from "kysely";
import type { Tenant } from "./caller.ts";
import type { Db } from "./database.ts";
import type { TenantOf } from "./route.ts";

/** A thing that a path names. */
export type Name = { kind: TenantOf; id: string };
/** Whose it is; `runId`: of a job. Null when there is no such thing. */
export type Named = (Tenant & { runId: string | null }) | null;

/** Whose these things are, in their order. */
export async function findTenants(db: Db, names: readonly Name[]): Promise<Named[]> {
  if (names.length === 0) return [];
  const { rows } = await sql<{ found: Named[] }>`select ${tenantsOf(names)} as found`.execute(db);
  return rows[0]?.found ?? [];
}

/** The same as a column of another look. */
export function tenantsOf(names: readonly Name[]): RawBuilder<unknown> {
  return sql`(select coalesce(jsonb_agg(case when t.workspace_id is not null then jsonb_build_object(
      'workspaceId', t.workspace_id, 'projectId', t.project_id, 'runId', t.run_id) end order by named.place), '[]')
    from unnest(${names.map(({ kind }) => kind)}::text[], ${names.map(({ id }) => id)}::uuid[]) with ordinality as named (kind, id, place)
    left join lateral fc.tenant_of(named.kind, named.id) as t on true)`;
}
