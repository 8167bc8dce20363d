import { idOf } from "@feedback-chat/protocol/ids";
import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { idsOf, type Message, read } from "../support/read-messages.ts";
import { seedProject, seedRun } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";
import { openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

function follow({ ask, workspaceId }: WebhookScene, lastEventId?: number | string, query = "") {
  const path = `/v1/workspaces/${idOf("ws", workspaceId)}/events${query}`;
  return ask("GET", path, undefined, lastEventId === undefined ? {} : { "last-event-id": String(lastEventId) });
}

/** Three events: admitted, let in, failed. */
async function failedRun({ db }: WebhookScene, projectId: string, issueNumber?: number): Promise<string> {
  const { runId } = await seedRun(db, { projectId, ...(issueNumber ? { issueNumber } : {}) });
  await asProject(db, projectId, async (tx) => {
    await lockJob(tx, runId);
    await advanceRun(tx, runId, { event: "gave_up", actor: systemActor, attempt: 0, reason: "no_worker" });
  });
  return runId;
}

const wireRun = (runId: string) => idOf("run", runId);
const told = (all: Message[]) => all.map(({ data }) => [data["runId"], data["seq"]]);

describe.each(kinds)("following a workspace on the %s database", (kind) => {
  const database = shareDatabase(kind);

  it("tells the events of all its projects' runs from now on, nobody else's, and resumes by its own numbers", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await using other = await openWebhookScene({ on: database() });
    const second = await seedProject(scene.db, { workspaceId: scene.workspaceId });
    await failedRun(scene, scene.projectId);
    const reading = read(await follow(scene), (all) => all.length >= 6);
    await failedRun(other, other.projectId);
    const runs = [await failedRun(scene, second), await failedRun(scene, scene.projectId)].map(wireRun);
    const seen = await reading;
    expect(idsOf(seen)).toEqual(from(1, 6));
    expect(told(seen)).toEqual(runs.flatMap((run) => from(1, 3).map((seq) => [run, seq])));
    expect(seen[0]?.data).toMatchObject({
      projectId: idOf("prj", second),
      event: "admitted",
      actor: { kind: "system" },
    });
    const again = await read(await follow(scene, 2), (all) => all.length >= 4);
    expect(again).toEqual(seen.slice(2));
    for (const unknown of ["77", "x"])
      expect(await read(await follow(scene, unknown), (all) => all.length >= 1)).toMatchObject([{ event: "reset" }]);
  });

  it("case 30: numbers what many projects do at once without a gap, and the same to each reader, whenever it looks", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { db, workspaceId } = scene;
    const projects = await Promise.all(from(1, 5).map(() => seedProject(db, { workspaceId })));
    const isAll = (all: Message[]) => all.length >= 60;
    const readers = [read(await follow(scene), isAll), read(await follow(scene), isAll)];
    await Promise.all(projects.map((projectId) => failedRun(scene, projectId)));
    const late = read(await follow(scene, 0), isAll);
    for (let round = 0; round < 3; round += 1) await Promise.all(projects.map((one) => failedRun(scene, one)));
    const [first, ...others] = await Promise.all([late, ...readers]);
    expect(idsOf(first)).toEqual(from(1, 60));
    for (const one of others) expect(one).toEqual(first);
    for (const projectId of projects) {
      const { rows } = await asProject(db, projectId, (tx) =>
        sql<{ run_id: string; seq: string }>`select run_id, seq from fc.run_events where project_id = ${projectId} order by project_seq`.execute(tx),
      ); // prettier-ignore
      const own = first.filter(({ data }) => data["projectId"] === idOf("prj", projectId));
      expect(told(own)).toEqual(rows.map(({ run_id, seq }) => [wireRun(run_id), Number(seq)]));
    }
  });

  it("catches up in steps with what happened while nobody read, and misses none of it", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const { db, projectId } = scene;
    await read(await follow(scene, 1), (all) => all.length >= 1);
    const { runId } = await seedRun(db, { projectId });
    await asSystem(db, async (tx) => {
      await sql`insert into fc.run_events (run_id, seq, project_id, project_seq, from_stage, event, to_stage, attempt, actor)
        select ${runId}, 2 + n, ${projectId}, 2 + n, 'running', 'phase_started', 'running', 0, '{"kind":"system","id":null}'::jsonb
        from generate_series(1, 1200) n`.execute(tx);
      await sql`update fc.projects set next_seq = 1203 where id = ${projectId}`.execute(tx);
    });
    const all = await read(await follow(scene, 0), (some) => some.length >= 1202);
    expect(idsOf(all)).toEqual(from(1, 1202));
    expect(told(all)).toEqual(from(1, 1202).map((seq) => [wireRun(runId), seq]));
  });

  it("tells only what its filters name, by the numbers of the whole stream", async () => {
    await using scene = await openWebhookScene({ on: database() });
    await read(await follow(scene, 1), (all) => all.length >= 1);
    const [one, two] = [await failedRun(scene, scene.projectId, 901), await failedRun(scene, scene.projectId, 902)];
    const only = async (query: string, count: number) =>
      read(await follow(scene, 0, query), (all) => all.length >= count);
    expect(idsOf(await only("?stage=failed", 2))).toEqual([3, 6]);
    expect(idsOf(await only("?result=failed&issue=902", 1))).toEqual([6]);
    expect(told(await only("?issue=901&q=TOTAL", 3))).toEqual(from(1, 3).map((seq) => [wireRun(one), seq]));
    const waiting = read(await follow(scene, 0, "?issue=902&stage=queued"), (all) => all.length >= 2);
    expect(told(await waiting)).toEqual([[wireRun(two), 1], [wireRun(two), 2]]); // prettier-ignore
    expect((await follow(scene, 0, "?stage=gone")).status).toBe(400);
  });

  it("case 23: closes when its reader may not read any more", async () => {
    await using scene = await openWebhookScene({ on: database(), figures: { accessRecheckSeconds: 0.1 } });
    const reading = read(await follow(scene));
    await asSystem(scene.db, (tx) =>
      sql`update fc.api_keys set revoked_at = now() where kind = 'user' and user_id in
        (select user_id from fc.workspace_members where workspace_id = ${scene.workspaceId})`.execute(tx),
    );
    expect(await reading).toEqual([]);
  });
});
