import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";

type Deps = Pick<AppDeps, "db" | "newId">;
type Input = { caller: Caller; projectId: string; workspaceId: string; feedbackId: string };

/**
 * Takes no more reports, answers or mails' worth from whoever wrote this one. Twice is as good as once.
 * @throws Problem conflict when nobody knows who wrote it
 */
export async function blockReporter(deps: Deps, input: Input): Promise<void> {
  const { caller, projectId, workspaceId, feedbackId } = input;
  await asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql<{ isNamed: boolean }>`
      with named as (
        select reporter_hash from fc.feedback where id = ${feedbackId} and project_id = ${projectId} and reporter_hash is not null
      ), blocked as (
        insert into fc.blocked_reporters (project_id, reporter_hash) select ${projectId}, reporter_hash from named
        on conflict do nothing
      )
      select exists (select from named) as "isNamed"`.execute(tx);
    if (!rows[0]?.isNamed) throw new Problem("conflict", "This report came without a name: there is nobody to block.");
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "reporter.blocked", target: idOf("fb", feedbackId),
    }); // prettier-ignore
  });
}

/** Takes the block off again. */
export async function unblockReporter(deps: Deps, input: Input): Promise<void> {
  const { caller, projectId, workspaceId, feedbackId } = input;
  await asProject(deps.db, projectId, async (tx) => {
    await sql`
      delete from fc.blocked_reporters b using fc.feedback f
      where f.id = ${feedbackId} and b.project_id = ${projectId} and b.reporter_hash = f.reporter_hash`.execute(tx);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller), action: "reporter.unblocked", target: idOf("fb", feedbackId),
    }); // prettier-ignore
  });
}
