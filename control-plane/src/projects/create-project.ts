import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CreateProjectAnswer, createProjectRequest } from "@feedback-chat/protocol/project";
import { sql } from "kysely";
import type * as z from "zod";
import { createKey } from "../keys/create-key.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import type { Sealing } from "../platform/sealing.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { type ProjectRow, projectColumns, toProject } from "./to-project.ts";
import { mintWebhookSecret, sealWebhookSecret } from "./webhook-secrets.ts";
import { workspaceFor } from "./workspace-for.ts";

type Deps = {
  db: Db;
  sealing: Sealing;
  newId: () => string;
  config: { publicUrl: string | undefined };
};
type Wanted = z.output<typeof createProjectRequest>;

/**
 * Makes a project with its webhook's secret and its first key, both told this once. The repository's id is not known
 * before the first webhook or the first GitHub token says it.
 * @throws Problem name_taken, not_found (no such workspace), forbidden, vault_shut
 */
export async function createProject(
  deps: Deps,
  { caller, wanted }: { caller: Caller; wanted: Wanted },
): Promise<CreateProjectAnswer> {
  const workspaceId = workspaceFor(caller, wanted.workspaceId, "admin");
  const id = deps.newId();
  const secret = mintWebhookSecret();
  const actor = actorOf(caller);
  return asWorkspace(deps.db, workspaceId, async (tx) => {
    const { rows } = await sql<ProjectRow>`
      insert into fc.projects as p (id, workspace_id, user_id, name, github_repo, webhook_secret, settings)
      values (${id}, ${workspaceId}, ${actor.id}, ${wanted.name}, ${wanted.githubRepo}, ${sealWebhookSecret(deps, id, secret)},
        ${JSON.stringify(wanted.settings ?? {})}::jsonb)
      on conflict (workspace_id, lower(name)) where deleted_at is null do nothing returning ${projectColumns}`.execute(
      tx,
    );
    const row = rows[0];
    if (!row) throw new Problem("name_taken", `There is a project "${wanted.name}" already.`);
    const { key } = await createKey(tx, deps, {
      kind: "project", workspaceId, projectId: id, name: "first key", actor,
      scopes: ["status:read", "runs:read", "feedback:write"],
    }); // prettier-ignore
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId: id, actor, action: "project.created", target: idOf("prj", id),
    }); // prettier-ignore
    return { project: toProject(row), webhook: { url: webhookUrl(deps, id), secret }, apiKey: key };
  });
}

export function webhookUrl({ config }: Pick<Deps, "config">, projectId: string): string {
  return `${config.publicUrl ?? ""}/api/webhook/${idOf("prj", projectId)}`;
}
