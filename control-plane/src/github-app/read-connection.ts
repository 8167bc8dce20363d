import { Problem } from "@feedback-chat/protocol/problem";
import type { GithubConnection } from "@feedback-chat/protocol/github-app";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { type Access, connectUrl } from "./find-connection.ts";
import { readApp } from "./open-app.ts";

type Deps = Pick<AppDeps, "db" | "config">;
type Row = { repository: string; access: Access | null; hasToken: boolean };

export async function readConnection(deps: Deps, projectId: string): Promise<GithubConnection> {
  const { rows } = await asProject(deps.db, projectId, (tx) =>
    sql<Row>`select github_repo as repository, github_access as access,
        exists (select from fc.credentials c where c.project_id = p.id and c.type = 'github_token') as "hasToken"
      from fc.projects p where id = ${projectId} and deleted_at is null`.execute(tx),
  );
  const row = rows[0];
  if (!row) throw new Problem("not_found", "There is no such project.");
  const app = await readApp(deps);
  return {
    way: row.access ? "app" : row.hasToken ? "token" : "none",
    repository: row.repository,
    access: row.access,
    app: app && { slug: app.slug, url: app.htmlUrl },
    connectUrl: connectUrl(deps.config, projectId),
    makeAppUrl: `${deps.config.publicUrl ?? ""}/api/github/manifest`,
  };
}
