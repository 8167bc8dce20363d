import type { endpointPage } from "@feedback-chat/protocol/endpoint";
import { sql } from "kysely";
import type * as z from "zod";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { pageFrom, type PageQuery, pageStart } from "../platform/page.ts";
import { endpointColumns, type EndpointRow, toEndpoint } from "./to-endpoint.ts";

/** Newest first, never the secrets. @throws Problem invalid_cursor */
export async function listEndpoints(
  { db }: { db: Db },
  projectId: string,
  page: PageQuery,
): Promise<z.input<typeof endpointPage>> {
  const scope = ["endpoints", projectId];
  const before = pageStart(scope, page);
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<EndpointRow>`select ${endpointColumns} from fc.endpoints where project_id = ${projectId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${page.limit + 1}`.execute(tx),
  );
  return pageFrom({ scope, limit: page.limit }, rows, toEndpoint);
}
