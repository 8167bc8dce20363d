import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject } from "../../src/platform/as-tenant.ts";
import type { Role } from "../../src/platform/caller.ts";
import { kinds } from "../support/open-test-database.ts";
import { openQueueScene, type QueueScene } from "../support/queue-scene.ts";
import { seedKey, seedRun, seedUser, seedWorkspace } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";

async function person({ app, db }: QueueScene, workspaceId: string, role: Role) {
  const userId = await seedUser(db, { login: role, workspaceId, role });
  const { key } = await seedKey(db, { kind: "user", userId });
  return async (method: string, path: string) => {
    const response = await app.request(path, {
      method,
      headers: { authorization: `Bearer ${key}` },
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  };
}

describe.each(kinds)("people and jobs on %s", (kind) => {
  const database = shareDatabase(kind);

  it("lets viewers look, members cancel, and strangers see nothing", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { jobId, runId } = await seedRun(scene.db, { projectId: scene.projectId });
    const path = `/api/jobs/${idOf("job", jobId)}`;
    const viewer = await person(scene, scene.workspaceId, "viewer");
    const stranger = await person(scene, await seedWorkspace(scene.db, "Other"), "owner");
    expect(await viewer("GET", path)).toMatchObject({
      status: 200,
      body: { status: "pending", isParked: false, attempt: 0, workerId: null },
    });
    expect((await viewer("DELETE", path)).status).toBe(403);
    const [foreign, unknown] = [
      await stranger("DELETE", path),
      await stranger("DELETE", `/api/jobs/${idOf("job", scene.deps.newId())}`),
    ];
    expect({ ...foreign.body, requestId: "" }).toEqual({ ...unknown.body, requestId: "" });
    expect(foreign.status).toBe(404);
    const member = await person(scene, scene.workspaceId, "member");
    expect(await member("DELETE", path)).toMatchObject({ status: 202, body: { status: "failed" } });
    expect(await member("DELETE", path)).toMatchObject({
      status: 409,
      body: { code: "invalid_transition" },
    });
    expect(await scene.job(runId)).toMatchObject({ stage: "failed", reason: "cancelled" });
    const { rows } = await asProject(scene.db, scene.projectId, (tx) =>
      sql`select a.action, l.action as audited from fc.run_actions a join fc.audit_logs l on l.target = ${idOf("run", runId)}
        where a.run_id = ${runId}`.execute(tx),
    );
    expect(rows).toEqual([{ action: "cancel", audited: "run.cancel" }]);
  });

  it("cancels a job that is being worked on: once for two at once, and the worker hears of it", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const member = await person(scene, scene.workspaceId, "member");
    const path = `/api/jobs/${lease.jobId}`;
    const both = await Promise.all([member("DELETE", path), member("DELETE", path)]);
    expect(both.map(({ status }) => status)).toEqual([202, 202]);
    expect((await scene.worker.say(lease, "renew")).body).toMatchObject({ cancel: true });
    expect((await scene.job(lease.ids.runId)).events.filter((event) => event === "cancel_requested")).toHaveLength(1);
  });

  it("lists the workspace's workers, and lets an admin drain one", async () => {
    await using scene = await openQueueScene({ on: database() });
    await scene.lease();
    const member = await person(scene, scene.workspaceId, "member");
    const list = `/v1/workspaces/${idOf("ws", scene.workspaceId)}/workers`;
    const worker = { id: scene.worker.workerId, runningJobs: 1, isDraining: false, isOnline: true };
    expect((await member("GET", list)).body).toMatchObject({ items: [worker], nextCursor: null });
    const drain = `/v1/workers/${scene.worker.workerId}/drain`;
    expect((await member("POST", drain)).status).toBe(403);
    const admin = await person(scene, scene.workspaceId, "admin");
    expect((await admin("POST", drain)).status).toBe(204);
    expect((await member("GET", list)).body).toMatchObject({
      items: [{ ...worker, isDraining: true }],
    });
    expect(await scene.worker.claim()).toEqual({ lease: null, drain: true });
  });
});
