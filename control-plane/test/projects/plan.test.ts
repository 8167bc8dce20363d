import { randomUUID } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

/** The operator, with two projects whose jobs go to the same workers. */
async function openTwo() {
  const { db } = platform.deps;
  const me = await platform.person("owner");
  await asSystem(db, (tx) => sql`update fc.users set is_operator = true where id = ${me.userId}`.execute(tx));
  const { workspaceId } = me;
  const [first, second] = [await seedProject(db, { workspaceId }), await seedProject(db, { workspaceId })];
  const setPlan = (projectId: string, plan: string, token = me.token) =>
    platform.call("PUT", `/v1/projects/${idOf("prj", projectId)}/plan`, { token, body: { plan } });
  const { key } = await seedKey(db, { workspaceId, kind: "worker" });
  return { db, me, first, second, setPlan, worker: await openTestWorker(platform.app, key) };
}

describe("a project's plan", () => {
  it("puts its jobs before others' at the same workers, those that wait already and those that come", async () => {
    const { db, first, second, setPlan, worker } = await openTwo();
    await seedRun(db, { projectId: first });
    const waiting = await seedRun(db, { projectId: second });
    expect(await setPlan(second, "pro")).toMatchObject({ status: 200, body: { plan: "pro" } });
    expect((await worker.claim()).lease?.jobId).toBe(idOf("job", waiting.jobId));
    await setPlan(first, "team");
    await asSystem(db, (tx) => sql`update fc.projects set max_concurrent_runs = 5`.execute(tx));
    await seedRun(db, { projectId: second });
    const later = await seedRun(db, { projectId: first });
    const claimed = [await worker.claim(), await worker.claim(), await worker.claim()];
    expect(claimed.map(({ lease }) => lease?.job.projectId)).toEqual([
      idOf("prj", first),
      idOf("prj", first),
      idOf("prj", second),
    ]);
    expect(claimed[1]?.lease?.jobId).toBe(idOf("job", later.jobId));
  });

  it("is set by the platform's operator alone, and noted", async () => {
    const { db, me, first, setPlan } = await openTwo();
    const owner = await platform.person("owner");
    const own = await seedProject(db, { workspaceId: owner.workspaceId });
    expect((await setPlan(own, "team", owner.token)).status).toBe(403);
    expect((await setPlan(first, "team", owner.token)).status).toBe(404);
    expect((await setPlan(randomUUID(), "team")).status).toBe(404);
    expect((await setPlan(first, "gold")).status).toBe(422);
    const { body } = await platform.call("GET", `/v1/projects/${idOf("prj", first)}`, { token: me.token });
    expect(body).toMatchObject({ plan: "free" });
    await setPlan(first, "team");
    const { rows } = await asSystem(db, (tx) =>
      sql`select action from fc.audit_logs where project_id = ${first}`.execute(tx),
    );
    expect(rows).toEqual([{ action: "project.plan.team" }]);
  });

  it("is one of the two, whole, when two are set at once, and the same when it is set twice", async () => {
    const { db, first, setPlan } = await openTwo();
    for (let count = 0; count < 5; count += 1) await seedRun(db, { projectId: first });
    await Promise.all([setPlan(first, "team"), setPlan(first, "pro"), setPlan(first, "team")]);
    await setPlan(first, "pro");
    await setPlan(first, "pro");
    const { rows } = await asSystem(db, (tx) =>
      sql`select plan, array_agg(distinct j.priority) as priorities from fc.projects p join fc.job_queue j on j.project_id = p.id
        where p.id = ${first} group by plan`.execute(tx),
    );
    expect(rows).toEqual([{ plan: "pro", priorities: [5] }]);
  });
});
