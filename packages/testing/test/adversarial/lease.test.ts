import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Attack, openAttack } from "../../src/open-attack.ts";
import { openWorld, sedEngine } from "../../src/open-world.ts";
import { processesBelow, processesWith } from "../../src/process-tree.ts";
import type { Program } from "../../src/start-program.ts";
import { waitUntil } from "../../src/wait-until.ts";

/** Of this file alone, so that whatever is left in it is left by one of these runs. */
let dataFolder: string;
beforeAll(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "feedback-chat-lease-"));
  chmodSync(dataFolder, 0o711);
});
afterAll(() => rmSync(dataFolder, { recursive: true, force: true, maxRetries: 5 }));

const open = () => openAttack({ dataFolder, engineCommand: sedEngine });
const begin = (attack: Attack): Program =>
  attack.start(["run", String(attack.issueNumber), "--repo", attack.repo, "--json", "--publish", "auto"]);
const inPhase = (program: Program, phase: string) =>
  waitUntil(`the phase ${phase}`, () => program.events.some((event) => event["event"] === "phase_started" && event["phase"] === phase)); // prettier-ignore

/** Folders of jobs and sockets, and processes that know of this file's data folder. */
const left = () => [
  ...["jobs", "s"].flatMap((name) => (existsSync(join(dataFolder, name)) ? readdirSync(join(dataFolder, name)) : [])),
  ...processesWith(dataFolder).map(({ argv }) => argv),
];

async function expectOnePull(attack: Attack): Promise<void> {
  expect(attack.pulls()).toHaveLength(1);
  expect(attack.refs().filter((ref) => ref.startsWith("refs/heads/feedback/"))).toHaveLength(1);
  expect(attack.git("show", `${attack.pulls()[0]?.head}:src/cart.js`)).toContain("line.quantity");
  await waitUntil("nothing is left", () => left().length === 0, { seen: left });
}

/** All eight phases are killed in the tests of `run`; here with a look at what each leaves behind. */
const phases = ["clone", "agent", "collect", "validate", "publish"];
const steps = [
  { name: "after the push", method: "POST", path: /git-receive-pack$/, when: "after" },
  { name: "after the pull request", method: "POST", path: /\/pulls$/, when: "after" },
] as const;

describe("a run that is killed", () => {
  it.each(phases)("case 41: SIGKILL in %s, then a restart, ends in one pull request, no orphan and no temporary folder", async (phase) => {
    await using attack = await open();
    const program = begin(attack);
    await inPhase(program, phase);
    program.kill("SIGKILL");
    const killed = await attack.ended(program);
    // The attack did happen: it ended without a word of its own.
    expect([killed.code, killed.result]).toEqual([null, null]);
    const run = await attack.resume(killed);
    expect(run.code, run.said).toBe(0);
    await expectOnePull(attack);
  }); // prettier-ignore

  it.each(steps)("case 41: SIGKILL $name, then a restart, ends in one pull request", async ({ method, path, when }) => {
    await using attack = await open();
    const held = attack.github.holdNext({ method, path, when });
    const program = begin(attack);
    await held.arrived;
    program.kill("SIGKILL");
    const killed = await attack.ended(program);
    held.drop();
    const run = await attack.resume(killed);
    expect(run.code, run.said).toBe(0);
    await expectOnePull(attack);
  });

  it.each(["agent", "publish"])(
    "case 42: Ctrl-C in %s ends all of it within 5 s, and the run goes on from there",
    async (phase) => {
      await using attack = await open();
      const program = begin(attack);
      await inPhase(program, phase);
      const children = processesBelow(program.pid);
      const asked = performance.now();
      program.kill("SIGINT");
      const stopped = await attack.ended(program);
      expect(stopped.code, stopped.said).toBe(130);
      await waitUntil("its processes are gone", () => children.every(({ pid }) => !existsSync(`/proc/${pid}`)));
      expect((performance.now() - asked) / 1_000).toBeLessThan(5);
      const run = await attack.resume(stopped);
      expect(run.code, run.said).toBe(0);
      await expectOnePull(attack);
    },
  );
});

it("case 42: a worker that slept through two leases right before its push wakes up to 409, and publishes nothing", async () => {
  await using world = await openWorld({
    engineCommand: sedEngine,
    settings: { publish: "auto", checks: [] },
    figuresScale: 0.1,
  });
  const asleep = await world.startWorker();
  const permit = world.tap.holdNext({ method: "POST", path: /\/permit$/, when: "after" });
  world.openIssue();
  const held = await permit;
  asleep.kill("SIGSTOP");
  const before = world.tap.requests.length;
  const old = world.tap.requests.findLast(({ path }) => path.endsWith("/permit"))?.lease;
  // It has its permit; the answer lies in its socket for when it wakes.
  held.release();
  await world.startWorker();
  const { id, jobId } = await world.runThat("published by the other", ({ stage }) => stage === "preview_ready");
  const { refs, pulls } = world.github.lookAt(world.fullName);
  expect(pulls).toHaveLength(1);
  // Labels are the server's: what a publisher does is a push and a pull request.
  const wrote = () =>
    world.github.requests.filter(({ method, path }) => method !== "GET" && /receive-pack|\/pulls/.test(path)).length;
  const written = wrote();

  asleep.kill("SIGCONT");
  await waitUntil("it has let go of the job", () => processesBelow(asleep.pid).length === 0);
  const ofOld = world.tap.requests.slice(before).filter(({ lease }) => lease === old);
  expect(ofOld.filter(({ status }) => status !== 409)).toEqual([]);
  // Alive: whatever it had said under its old lease would have been refused.
  const late = await fetch(`${world.tap.url}/v1/jobs/${jobId}/renew`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.workerKey}`, lease: old ?? "", "content-type": "application/json" },
    body: '{"waitS":0}',
  });
  expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([409, "lease_lost"]);
  expect(world.github.lookAt(world.fullName)).toMatchObject({ refs, pulls: [{ headSha: pulls[0]?.headSha }] });
  const { timeline } = await world.runOf(id);
  expect(timeline.filter(({ event }) => event === "published")).toHaveLength(1);
  expect(timeline.some(({ event }) => event === "lease_lost")).toBe(true);
  expect(wrote()).toBe(written);
});
