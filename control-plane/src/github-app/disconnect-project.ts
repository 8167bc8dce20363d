import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string };

/** Back to a token and a webhook of the project's own. The App stays installed: that is GitHub's to end. */
export async function disconnectProject({ db, newId }: Deps, { caller, projectId, workspaceId }: Input): Promise<void> {
  await asProject(db, projectId, async (tx) => {
    const { rows } = await sql`update fc.projects set github_installation_id = null, github_access = null
      where id = ${projectId} and github_installation_id is not null returning id`.execute(tx);
    if (rows.length === 0) return;
    await writeAudit(tx, {
      id: newId(), workspaceId, projectId, actor: actorOf(caller), action: "github_app.disconnected", target: idOf("prj", projectId),
    }); // prettier-ignore
  });
}
