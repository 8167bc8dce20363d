import { idOf } from "@feedback-chat/protocol/ids";
import type { Actor } from "@feedback-chat/protocol/actor";
import type { ActionRequest } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import type { Tx } from "../platform/database.ts";
import { writeAudit } from "../platform/write-audit.ts";

/** An action that somebody wants, with who and on what. */
export type ActionOf = {
  projectId: string;
  workspaceId: string;
  runId: string;
  actor: Actor;
  request: ActionRequest;
};

/** Who did what and why, beside the run; who did what, in the audit log. */
export async function recordAction(
  tx: Tx,
  { newId }: Pick<AppDeps, "newId">,
  { projectId, workspaceId, runId, actor, request, comment }: ActionOf & { comment: string | null },
): Promise<void> {
  await sql`insert into fc.run_actions (id, run_id, project_id, action, comment, actor)
    values (${newId()}, ${runId}, ${projectId}, ${request.action}, ${comment}, ${JSON.stringify(actor)}::jsonb)`.execute(
    tx,
  );
  await writeAudit(tx, {
    id: newId(),
    workspaceId,
    projectId,
    actor,
    action: `run.${request.action}`,
    target: idOf("run", runId),
  });
}
