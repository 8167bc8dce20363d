import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";

export type Access = "active" | "suspended" | "removed";
/** How a project is connected by the App: bigint columns are text on their way through the driver. */
export type Connection = { projectId: string; installationId: string; repositoryId: string; access: Access };
export type Connected = { githubRepo: string; connection: Connection | null };

/** The project's repository, and its connection by the App; null for a project with a token of its own. */
export async function findConnection({ db }: { db: Db }, projectId: string): Promise<Connected> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ repo: string; repositoryId: string | null; installationId: string | null; access: Access | null }>`
      select github_repo as repo, github_repo_id as "repositoryId", github_installation_id as "installationId",
        github_access as access from fc.projects where id = ${projectId} and deleted_at is null`.execute(tx),
  );
  const { repo: githubRepo = "", repositoryId, installationId, access } = rows[0] ?? {};
  if (!installationId || !repositoryId || !access) return { githubRepo, connection: null };
  return { githubRepo, connection: { projectId, installationId, repositoryId, access } };
}

/** The page on which a person connects the project, or mends its connection. */
export function connectUrl({ publicUrl }: { publicUrl: string | undefined }, projectId: string): string {
  return `${publicUrl ?? ""}/api/github/connect/${idOf("prj", projectId)}`;
}
