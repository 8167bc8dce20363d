import type { Endpoint } from "@feedback-chat/protocol/endpoint";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { endpointColumns, type EndpointRow, toEndpoint } from "./to-endpoint.ts";

/** One endpoint, never its secrets. @throws Problem not_found */
export async function readEndpoint(
  { db }: { db: Db },
  { projectId, endpointId }: { projectId: string; endpointId: string },
): Promise<Endpoint> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<EndpointRow>`select ${endpointColumns} from fc.endpoints where id = ${endpointId} and project_id = ${projectId}`.execute(
      tx,
    ),
  );
  const [row] = rows;
  if (!row) throw new Problem("not_found", "There is no such endpoint.");
  return toEndpoint(row);
}
