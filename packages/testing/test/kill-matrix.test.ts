import { afterAll, describe, expect, it } from "vitest";
import { killMatrix, type KillRow } from "../src/kill-matrix.ts";
import { openWorld, sedEngine, type World } from "../src/open-world.ts";
import { makePool } from "../src/world-pool.ts";

const databaseUrl = process.env["TEST_DATABASE_URL"];

// No checks: the app's own tests have their place elsewhere, here only the crash counts. A fifth of the real times
// leaves a renewal its margin on a machine where four worlds share two cores.
const worlds = makePool(async (publish) => {
  const world = await openWorld({
    databaseUrl,
    engineCommand: sedEngine,
    figuresScale: 0.2,
    settings: { publish, checks: [] },
  });
  await world.startWorker();
  return world;
});
afterAll(() => worlds[Symbol.asyncDispose]());

/** Resolves when the row's point was reached, the process is killed and the request cut. */
async function killAt(world: World, row: KillRow): Promise<void> {
  if (row.via === "github") {
    const held = world.github.holdNext({ method: row.method, path: row.path, when: row.at });
    await held.arrived;
    await world.kill(row.kill);
    return held.drop();
  }
  const held = await world.tap.holdNext({
    method: row.method,
    path: row.path,
    when: row.at,
    ...(row.body ? { body: row.body } : {}),
  });
  await world.kill(row.kill);
  held.cut();
}

async function restart(world: World, { kill }: KillRow): Promise<void> {
  await (kill === "worker" ? world.startWorker() : world.startServer());
}

async function survive(world: World, row: KillRow): Promise<void> {
  // An idle worker has a claim under way: the one that is meant begins after the issue.
  if (row.point === "claim") await world.kill("worker");
  const killed = row.isWayOut ? undefined : killAt(world, row);
  const { number } = world.openIssue();
  const mine = (is: (run: Awaited<ReturnType<World["runs"]>>[number]) => boolean) =>
    world.runThat(`issue ${number} after: ${row.name}`, (run) => run.issueNumber === number && is(run));
  if (row.point === "claim") {
    await mine((run) => run.stage === "queued" && run.waitingFor !== "github");
    // It never gets as far as its first job.
    void world.startWorker().catch((error: unknown) => error);
  }
  await killed?.then(() => restart(world, row));
  if (row.isHeld) await approve(world, row, mine);
  const run = await mine(({ stage }) => ["preview_ready", "failed", "rejected"].includes(stage));
  expect(run).toMatchObject({ stage: "preview_ready", reason: null });
  const { refs, pulls } = world.github.lookAt("acme/shop");
  expect(Object.keys(refs).filter((ref) => ref.startsWith(`refs/heads/feedback/issue-${number}-`))).toHaveLength(1);
  expect(pulls.filter(({ head }) => head.startsWith(`feedback/issue-${number}-`))).toHaveLength(1);
  expect((await world.runs()).filter(({ issueNumber }) => issueNumber === number)).toHaveLength(1);
  if (row.point === "claim" && row.kill === "server") await world.programs.worker?.heard("worker.registered");
}

type Mine = (is: (run: Awaited<ReturnType<World["runs"]>>[number]) => boolean) => ReturnType<World["runThat"]>;

async function approve(world: World, row: KillRow, mine: Mine): Promise<void> {
  const held = await mine((run) => run.waitingFor === "approval");
  const killed = row.isWayOut ? killAt(world, row) : undefined;
  const isClickLost = row.point === "approve";
  const acted = world.act(held.id, "approve").then(
    () => true,
    (error: unknown) => (isClickLost ? false : Promise.reject(error as Error)),
  );
  await killed?.then(() => restart(world, row));
  // A person whose click was lost looks again, and clicks again if it is still needed.
  if (!(await acted) && (await mine(() => true)).waitingFor === "approval") await world.act(held.id, "approve");
}

describe("case 14: kill -9 anywhere ends, after a restart, in one branch and one pull request", () => {
  it.for(killMatrix)("$name", { concurrent: true, timeout: 240_000 }, (row) =>
    worlds.use(row.isHeld ? "hold" : "auto", (world) => survive(world, row)),
  );

  it("has a row for each process, before and after, at no fewer than 15 points", () => {
    expect(new Set(killMatrix.map(({ name }) => name)).size).toBe(killMatrix.length);
    expect(killMatrix.length).toBeGreaterThanOrEqual(60);
  });
});
