import type { endpointPage } from "@feedback-chat/protocol/endpoint";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { endpointColumns, type EndpointRow, toEndpoint } from "./to-endpoint.ts";

/** Few enough for one page. */
export async function listEndpoints({ db }: { db: Db }, projectId: string): Promise<z.input<typeof endpointPage>> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<EndpointRow>`select ${endpointColumns} from fc.endpoints where project_id = ${projectId} order by id desc`.execute(
      tx,
    ),
  );
  return { items: rows.map(toEndpoint), nextCursor: null };
}
