import { randomUUID } from "node:crypto";
import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { describe, expect, it } from "vitest";
import { wakeWaitingRuns } from "../../src/credentials/wake-waiting-runs.ts";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { asProject } from "../../src/platform/as-tenant.ts";
import type { Db } from "../../src/platform/database.ts";
import { deleteProject } from "../../src/projects/delete-project.ts";
import { openQueueScene, type QueueScene } from "../support/queue-scene.ts";
import { shareDatabase } from "../support/share-database.ts";
import { seedRun } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { issueEvent, openWebhookScene, repositoryId } from "../support/webhook-scene.ts";

const user = { kind: "user", userId: newId(), login: "owner", email: null, isOperator: false, roles: {} } as const;

/**
 * Holds the run's job as every ending does, lets `other` run into it, then records an event, which locks the project.
 * Whoever locked the project before the job waits in a circle now, and the database ends one of the two.
 */
async function meet(
  { db, projectId }: { db: Db; projectId: string },
  runId: string,
  other: () => Promise<unknown>,
): Promise<void> {
  let meeting: Promise<PromiseSettledResult<unknown>[]> | undefined;
  await asProject(db, projectId, async (tx) => {
    await lockJob(tx, runId);
    meeting = Promise.allSettled([other()]);
    await until(() => isSomebodyWaiting(db));
    await advanceRun(tx, runId, { event: "issue_edited", actor: systemActor, attempt: 1 });
  });
  expect(await meeting).toMatchObject([{ status: "fulfilled" }]);
}

async function isSomebodyWaiting(db: Db): Promise<boolean> {
  const { rows } =
    await sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
  return rows.length > 0;
}

async function parkForCredential(scene: QueueScene): Promise<string> {
  const lease = await scene.lease();
  await scene.worker.say(lease, "events", { eventId: randomUUID(), event: "phase_started", phase: "agent" });
  await scene.worker.say(lease, "wait", { for: "credential", resumeAt: "snapshot" });
  return lease.ids.runId;
}

describe("the order of locks", () => {
  const database = shareDatabase("server");

  it("a project is deleted while workers end its jobs, and nobody waits in a circle", async () => {
    await using scene = await openQueueScene({ on: database() });
    const first = await scene.lease();
    const second = await scene.lease();
    const { workspaceId, projectId, deps } = scene;
    await meet(scene, second.ids.runId, () =>
      deleteProject(deps, { caller: user, projectId, workspaceId, isPurgedNow: false }),
    );
    for (const { ids } of [first, second]) expect((await scene.job(ids.runId)).events.at(-1)).toBe("cancel_requested");
  });

  it("a credential wakes several runs while one of them is acted on", async () => {
    await using scene = await openQueueScene({ on: database() });
    const first = await parkForCredential(scene);
    const second = await parkForCredential(scene);
    const { db, projectId } = scene;
    const wake = () => asProject(db, projectId, (tx) => wakeWaitingRuns(tx, { projectId, actor: systemActor }));
    await meet(scene, second, wake);
    for (const runId of [first, second]) expect((await scene.job(runId)).waiting_for).toBe("worker");
  });

  it("an event of a renamed repository meets the ending of its run", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId, issueNumber: 7 });
    const closed = issueEvent({
      action: "closed",
      at: 5_000_000_000,
      repository: { id: repositoryId, full_name: "acme/store" },
    });
    let answer;
    await meet(scene, runId, async () => (answer = await scene.deliver(closed)));
    expect(answer).toMatchObject({ status: 200, body: { reason: "the run was cancelled" } });
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select github_repo from fc.projects where id = ${scene.projectId}`.execute(tx),
    );
    expect(rows).toEqual([{ github_repo: "acme/store" }]);
  });
});
