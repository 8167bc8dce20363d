import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import type { Sealing } from "../platform/sealing.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { webhookUrl } from "./create-project.ts";
import { mintWebhookSecret, sealWebhookSecret } from "./webhook-secrets.ts";

type Deps = {
  db: Db;
  sealing: Sealing;
  newId: () => string;
  config: { publicUrl: string | undefined };
};
type Input = { caller: Caller; projectId: string; workspaceId: string; graceHours: number };

/**
 * A new secret, told this once; the old one works until its grace ends. GitHub may sign with the old one until then: a
 * second rotation would end it, so it needs a grace of 0, which ends all old ones at once.
 * @throws Problem conflict while a grace runs
 */
export async function rotateWebhookSecret(
  deps: Deps,
  { caller, projectId, workspaceId, graceHours }: Input,
): Promise<{ url: string; secret: string }> {
  const secret = mintWebhookSecret();
  await asProject(deps.db, projectId, async (tx) => {
    const { rows } = await sql`update fc.projects set webhook_secret_previous = webhook_secret,
      webhook_secret_previous_until = now() + make_interval(secs => ${graceHours * 3600}),
      webhook_secret = ${sealWebhookSecret(deps, projectId, secret)}
      where id = ${projectId} and (${graceHours}::float8 = 0 or coalesce(webhook_secret_previous_until <= now(), true)) returning 1`.execute(
      tx,
    );
    if (rows.length === 0) throw graceRuns();
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId, actor: actorOf(caller),
      action: "webhook_secret.rotated", target: idOf("prj", projectId),
    }); // prettier-ignore
  });
  return { url: webhookUrl(deps, projectId), secret };
}

const graceRuns = () =>
  new Problem("conflict", "This secret was rotated before, and the one before it still works.", {
    next: "Enter the newest secret at GitHub and wait for the end of the grace, or rotate with graceHours 0: every older secret ends at once.",
  });
