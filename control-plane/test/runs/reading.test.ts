import { idOf } from "@feedback-chat/protocol/ids";
import { logPage, type RunPage, runDetail, runPage } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { runIn } from "../support/run-standing.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";
import { openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

const database = shareDatabase("server");
const open = () => openWebhookScene({ on: database() });

async function page({ ask, projectId }: WebhookScene, query: string): Promise<RunPage> {
  const response = await ask("GET", `/api/runs/${idOf("prj", projectId)}?${query}`);
  if (response.status !== 200) throw new Error(await response.text());
  return runPage.parse(await response.json());
}

describe("the list of runs", () => {
  it("case 32: pages by keyset, while runs come and go, without one twice and without missing an old one", async () => {
    await using scene = await open();
    const { db, projectId } = scene;
    const old = [];
    for (let n = 0; n < 9; n += 1) old.push((await seedRun(db, { projectId })).runId);
    const gone = old[0];
    const seen: string[] = [];
    let cursor = "";
    do {
      const { items, nextCursor } = await page(scene, `limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...items.map(({ id }) => id));
      cursor = nextCursor ?? "";
      await seedRun(db, { projectId });
      await asProject(db, projectId, (tx) => sql`delete from fc.pipeline_runs where id = ${gone}`.execute(tx));
    } while (cursor);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(old.slice(1).map((id) => idOf("run", id))));
  });

  it("refuses a cursor that was changed, is of other filters, or of another project", async () => {
    await using scene = await open();
    await using other = await open();
    for (const { db, projectId } of [scene, scene, other, other]) await seedRun(db, { projectId });
    const { nextCursor } = await page(scene, "limit=1");
    const changed = `${nextCursor?.slice(0, -3)}xyz`;
    const path = (of: WebhookScene, query: string) => of.ask("GET", `/api/runs/${idOf("prj", of.projectId)}?${query}`);
    for (const response of [
      await path(scene, `limit=1&cursor=${changed}`),
      await path(scene, "cursor=nonsense"),
      await path(scene, `cursor=${nextCursor}&stage=queued`),
      await path(other, `limit=1&cursor=${nextCursor}`),
    ]) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_cursor" });
    }
  });

  it("filters by stage, result, issue, author, time and title", async () => {
    await using scene = await open();
    const { runId, issueNumber } = await runIn(scene, "failed");
    await seedRun(scene.db, { projectId: scene.projectId, issue: { title: "100% off_by one" } });
    const only = async (query: string) => (await page(scene, query)).items.map(({ id }) => id);
    expect(await only("stage=failed")).toEqual([idOf("run", runId)]);
    expect(await only("result=failed")).toEqual([idOf("run", runId)]);
    expect(await only(`issue=${issueNumber}`)).toEqual([idOf("run", runId)]);
    expect(await only("q=100%25+off_")).toHaveLength(1);
    expect(await only("q=100_off")).toEqual([]);
    expect(await only("triggeredBy=reporter")).toHaveLength(2);
    expect(await only(`since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`)).toEqual([]);
  });

  it("shows a workspace the runs of all its projects, and of no other", async () => {
    await using scene = await open();
    await using other = await open();
    const second = await seedProject(scene.db, { workspaceId: scene.workspaceId });
    await seedRun(scene.db, { projectId: scene.projectId });
    await seedRun(scene.db, { projectId: second });
    await seedRun(other.db, { projectId: other.projectId });
    const path = `/v1/workspaces/${idOf("ws", scene.workspaceId)}/runs`;
    const { items } = runPage.parse(await (await scene.ask("GET", path)).json());
    expect(items.map(({ projectId }) => projectId)).toEqual([idOf("prj", second), idOf("prj", scene.projectId)]);
    expect((await other.ask("GET", path)).status).toBe(404);
  });
});

describe("one run", () => {
  it("is shown with its timeline, its artifacts and what a person may do now", async () => {
    await using scene = await open();
    const { runId, lease, worker } = await runIn(scene, "validating");
    if (!lease) throw new Error("There is no lease.");
    await worker.call("PUT", `/v1/jobs/${lease.jobId}/artifacts/diff.patch`, Buffer.from("<script>"), lease);
    const path = `/v1/runs/${idOf("run", runId)}`;
    const detail = runDetail.parse(await (await scene.ask("GET", path)).json());
    expect(detail).toMatchObject({
      stage: "validating",
      attempt: 1,
      origin: "public",
      allowedActions: ["reject", "cancel"],
      artifacts: [{ name: "diff.patch", sizeBytes: 8 }],
    });
    expect(detail.timeline.map(({ seq, event }) => [seq, event])).toEqual([
      [1, "admitted"],
      [2, "unparked"],
      [3, "leased"],
      [4, "collected"],
    ]);
    const artifact = await scene.ask("GET", `${path}/artifacts/diff.patch`);
    expect(await artifact.text()).toBe("<script>");
    expect(Object.fromEntries(artifact.headers)).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-disposition": 'attachment; filename="diff.patch"',
      "x-content-type-options": "nosniff",
    });
    expect((await scene.ask("GET", `${path}/artifacts/tree.pack`)).status).toBe(404);
  });

  it("is not found by another tenant, and is read with a key that may", async () => {
    await using scene = await open();
    await using other = await open();
    const { runId } = await seedRun(scene.db, { projectId: scene.projectId });
    const path = `/v1/runs/${idOf("run", runId)}`;
    for (const rest of ["", "/events", "/logs", "/artifacts/diff.patch"]) {
      const { requestId: _, ...foreign } = (await (await other.ask("GET", path + rest)).json()) as Record<
        string,
        unknown
      >;
      expect(foreign).toMatchObject({ status: 404, code: "not_found" });
    }
    const { key } = await seedKey(scene.db, {
      kind: "project",
      workspaceId: scene.workspaceId,
      projectId: scene.projectId,
    });
    expect((await scene.ask("GET", path, undefined, { authorization: `Bearer ${key}` })).status).toBe(200);
  });
});

describe("the log of a run", () => {
  async function withLines() {
    const scene = await open();
    const { runId, lease, worker } = await runIn(scene, "running");
    if (!lease) throw new Error("There is no lease.");
    const at = new Date().toISOString();
    const lines = Array.from({ length: 10 }, (_, n) => ({
      at, level: n % 5 === 0 ? "warn" : "info", message: `line ${n}`,
    })); // prettier-ignore
    await worker.say(lease, "logs", { offset: 0, lines });
    const path = `/v1/runs/${idOf("run", runId)}/logs`;
    const read = async (query: string) => logPage.parse(await (await scene.ask("GET", `${path}?${query}`)).json());
    return { scene, path, read };
  }

  it("is paged by number, from the front and from the end, and filtered by word and level", async () => {
    const { scene, read } = await withLines();
    await using _ = scene;
    const messages = async (query: string) => (await read(query)).lines.map(({ message }) => message);
    const first = await read("limit=4");
    expect(first.lines.map(({ message }) => message)).toEqual(["line 0", "line 1", "line 2", "line 3"]);
    expect(await messages(`limit=4&after=${first.next}`)).toEqual(["line 4", "line 5", "line 6", "line 7"]);
    expect(await messages("tail=2")).toEqual(["line 8", "line 9"]);
    expect(await messages("q=LINE+7")).toEqual(["line 7"]);
    expect(await messages("level=warn")).toEqual(["line 0", "line 5"]);
    expect(await messages(`before=${first.lines[2]?.seq}`)).toEqual(["line 0", "line 1"]);
    expect((await read("limit=10")).next).toBeNull();
  });

  it("is given as plain text to who asks for that", async () => {
    const { scene, path } = await withLines();
    await using _ = scene;
    const response = await scene.ask("GET", `${path}?tail=1`, undefined, { accept: "text/plain" });
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toMatch(/^\d{4}-.*Z info {2}line 9\n$/);
  });
});

describe("the agent's health", () => {
  it("names the issue that is being worked on, how many wait, and the workers", async () => {
    await using scene = await open();
    const { projectId, workspaceId } = scene;
    const { issueNumber, worker, lease } = await runIn(scene, "running");
    await seedRun(scene.db, { projectId });
    const { key } = await seedKey(scene.db, { kind: "project", workspaceId, projectId });
    const path = `/api/agent/${idOf("prj", projectId)}/health`;
    const response = await scene.ask("GET", path, undefined, { authorization: `Bearer ${key}` });
    expect(await response.json()).toEqual({
      status: "ok",
      currentJob: issueNumber,
      currentJobs: [issueNumber],
      queueLength: 1,
      workersOnline: 1,
    });
    await asSystem(scene.db, (tx) => sql`update fc.workers set last_seen_at = now() - interval '1 hour'`.execute(tx));
    const later = await scene.ask("GET", path, undefined, { authorization: `Bearer ${key}` });
    expect(await later.json()).toMatchObject({ workersOnline: 0 });
    // One slot, and it is taken: it claims nothing for minutes, but renews.
    if (lease) await worker.say(lease, "renew", { waitS: 0 });
    const renewed = await scene.ask("GET", path, undefined, { authorization: `Bearer ${key}` });
    expect(await renewed.json()).toMatchObject({ workersOnline: 1 });
  });
});
