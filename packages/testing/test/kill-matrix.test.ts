import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { killMatrix, type KillRow } from "../src/kill-matrix.ts";
import { openWorld, sedEngine, type World } from "../src/open-world.ts";

const databaseUrl = process.env["TEST_DATABASE_URL"];
// No checks: the app's own tests have their place elsewhere, here only the crash counts.
const settings = { publish: "auto", checks: [] };

/** Fires when the row's point is reached; then the process is killed and the request cut. */
async function killAt(world: World, row: KillRow): Promise<void> {
  if (row.via === "github") {
    const held = world.github.holdNext({ method: row.method, path: row.path, when: row.at });
    await held.arrived;
    await world.kill(row.kill);
    held.drop();
    return;
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

async function branches(world: World): Promise<string[]> {
  const { stdout } = await execa("git", [
    `--git-dir=${world.gitDir}`,
    "for-each-ref",
    "--format=%(refname:short)",
    "refs/heads/feedback",
  ]);
  return stdout.split("\n").filter(Boolean);
}

async function survive(row: KillRow): Promise<void> {
  await using world = await openWorld({
    databaseUrl,
    engineCommand: sedEngine,
    settings: { ...settings, publish: row.isHeld ? "hold" : "auto" },
  });
  // A claim's poll is under way before there is a job; every other point comes later than the worker.
  const isClaim = row.path.source.includes("claim");
  if (!isClaim) await world.startWorker();
  const isWayOut = row.isHeld && !row.path.source.includes("wait");
  const killed = isWayOut ? undefined : killAt(world, row);
  world.openIssue();
  if (isClaim) {
    await world.runThat(
      "the run is queued",
      (run) => run.stage === "queued" && run.waitingFor !== "github",
    );
    await world.startWorker();
  }
  if (killed) await killed.then(() => restart(world, row));
  if (row.isHeld) {
    const held = await world.runThat("the run is held", (run) => run.waitingFor === "approval");
    const onWayOut = isWayOut ? killAt(world, row) : undefined;
    const acted = world.act(held.id, "approve").then(() => true, (error: unknown) => {
      if (row.path.source.includes("action")) return false;
      throw error;
    }); // prettier-ignore
    if (onWayOut) await onWayOut.then(() => restart(world, row));
    // A person whose click was lost looks again and clicks again, if it is still needed.
    if (
      !(await acted) &&
      (await world.runThat("the server is back", () => true)).waitingFor === "approval"
    )
      await world.act(held.id, "approve");
  }
  const run = await world.runThat(
    "the pull request is open",
    ({ stage }) => stage === "preview_ready" || stage === "failed" || stage === "rejected",
  );
  expect(run).toMatchObject({ stage: "preview_ready", reason: null });
  expect(await branches(world)).toHaveLength(1);
  expect(world.github.lookAt("acme/shop").pulls).toHaveLength(1);
  expect(await world.runs()).toHaveLength(1);
}

async function restart(world: World, { kill }: KillRow): Promise<void> {
  await (kill === "worker" ? world.startWorker() : world.startServer());
}

describe("kill -9 anywhere ends, after a restart, in one branch and one pull request", () => {
  it.for(killMatrix)("$name", { concurrent: true, timeout: 120_000 }, (row) => survive(row));

  it("has a row for each process, before and after, at no fewer than 15 points", () => {
    expect(new Set(killMatrix.map(({ name }) => name)).size).toBe(killMatrix.length);
    expect(killMatrix.length).toBeGreaterThanOrEqual(60);
  });
});
