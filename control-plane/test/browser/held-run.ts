import { createHash, randomUUID } from "node:crypto";
import { systemActor } from "@feedback-chat/protocol/actor";
import type { Evidence } from "@feedback-chat/protocol/evidence";
import { sql } from "kysely";
import { asProject } from "../../src/platform/as-tenant.ts";
import type { Db } from "../../src/platform/database.ts";
import { lockRun } from "../../src/runs/lock-run.ts";
import { recordEvent } from "../../src/runs/record-event.ts";
import { seedRun } from "../support/seed.ts";

/** What a hostile reporter would like a dashboard to run. */
export const hostileTitle = `Total is <img src=x onerror=alert(1)> wrong`;

const diff = `diff --git a/cart.js b/cart.js
index 1c1c1c1..2d2d2d2 100644
--- a/cart.js
+++ b/cart.js
@@ -1,5 +1,5 @@
 export function total(items) {
-  return items[0].price;
+  return items.reduce((sum, { price }) => sum + price, 0);
 }
`;
const evidence: Evidence = {
  schemaVersion: 1,
  asked: { issueNumber: 7, title: hostileTitle, hiddenRemoved: 0, snapshotSha256: "0".repeat(64), wasCut: false },
  done: {
    summary: "The total counted the first item only; it now adds up all of them.",
    isUnfinished: false,
    unfinishedBecause: null,
    baseSha: "1".repeat(40),
    treeId: "2".repeat(40),
    files: [{ path: "cart.js", change: "modified", addedLines: 1, removedLines: 1 }],
    ignoredFiles: 0,
  },
  checked: {
    checks: [
      {
        name: "test",
        command: ["npm", "test"],
        base: { outcome: "failed", durationMs: 812, outputTail: "1 failing" },
        head: { outcome: "passed", durationMs: 790, outputTail: "4 passing" },
      },
    ],
    isBuilt: false,
    note: null,
    installScripts: [],
  },
  flagged: [
    {
      level: "flag",
      code: "tests_untouched",
      path: "cart.js",
      line: 2,
      detail: "No test was added.",
    },
  ],
  spent: {
    costMicroUsd: 41_200,
    inputTokens: 9_000,
    outputTokens: 800,
    agentMs: 41_000,
    totalMs: 63_000,
  },
};

/** A run that stands before a person: worked on, checked, held. */
export async function seedHeldRun(db: Db, projectId: string): Promise<{ runId: string }> {
  const { runId, jobId } = await seedRun(db, {
    projectId,
    issueNumber: 7,
    issue: { title: hostileTitle },
  });
  await asProject(db, projectId, async (tx) => {
    const happen = async (happening: Partial<Parameters<typeof recordEvent>[2]>) =>
      recordEvent(tx, await lockRun(tx, runId), { event: "phase_started", actor: systemActor, attempt: 1, ...happening });
    await sql`update fc.job_queue set run_at = 'infinity', attempt = 1, resume_at = 'publish' where id = ${jobId}`.execute(tx);
    await happen({ event: "leased", waitingFor: null });
    await happen({ phase: "agent" });
    await addLog(tx, runId, projectId, ["Reading cart.js", "Editing cart.js", "npm test: 4 passing"]);
    await happen({ event: "collected", phase: "validate" });
    await happen({ event: "held", phase: "hold", waitingFor: "approval", reason: "public_origin" });
    const permit = {
      treeId: evidence.done.treeId, baseSha: evidence.done.baseSha, hasHoldVerdict: false, hasFlag: true, checks: "green", isUnfinished: false,
    }; // prettier-ignore
    await sql`update fc.pipeline_runs set cost_micro_usd = 41200, permit_request = ${JSON.stringify(permit)}::jsonb where id = ${runId}`.execute(tx);
    for (const [name, text] of [["diff.patch", diff], ["evidence.json", JSON.stringify(evidence)]] as const) {
      const content = Buffer.from(text);
      await sql`insert into fc.artifacts (id, run_id, project_id, name, sha256, size_bytes, content)
        values (${randomUUID()}, ${runId}, ${projectId}, ${name}, ${createHash("sha256").update(content).digest()}, ${content.length}, ${content})`.execute(tx);
    }
  }); // prettier-ignore
  return { runId };
}

async function addLog(
  tx: Parameters<typeof recordEvent>[0],
  runId: string,
  projectId: string,
  messages: string[],
): Promise<void> {
  await sql`
    with numbered as (update fc.pipeline_runs set next_seq = next_seq + ${messages.length} where id = ${runId} returning next_seq - ${messages.length} as first),
    told as (select pg_notify('fc_runs', ${`${runId} ${projectId}`}))
    insert into fc.run_logs (run_id, seq, project_id, attempt, "offset", message)
    select ${runId}, numbered.first + line.n - 1, ${projectId}, 1,
      line.n - 1 + (select count(*) from fc.run_logs where run_id = ${runId}), line.message
    from numbered, told, unnest(${messages}::text[]) with ordinality as line (message, n)`.execute(tx);
}

/** One more line, as a worker sends it while somebody watches. */
export async function sayMore(db: Db, projectId: string, runId: string, message: string): Promise<void> {
  await asProject(db, projectId, (tx) => addLog(tx, runId, projectId, [message]));
}
