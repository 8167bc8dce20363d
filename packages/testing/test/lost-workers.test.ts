import { randomInt } from "node:crypto";
import type { RunEventEntry } from "@feedback-chat/protocol/run";
import { describe, expect, it } from "vitest";
import { openWorld, sedEngineAfter, type World } from "../src/open-world.ts";
import { processesWith } from "../src/process-tree.ts";
import { waitUntil } from "../src/wait-until.ts";

const databaseUrl = process.env["TEST_DATABASE_URL"];
const noChecks = { publish: "auto", checks: [] };
const bounded = { timeout: 170_000 };

const secondsBetween = (from: { at: string }, to: { at: string }) => (Date.parse(to.at) - Date.parse(from.at)) / 1_000;
const events = (timeline: RunEventEntry[], event: RunEventEntry["event"]) =>
  timeline.filter((entry) => entry.event === event);
const beginsAgent = {
  method: "POST",
  path: /\/events$/,
  body: /"phase":"agent"/,
  when: "after",
} as const;
/** An argument by which this test's processes are told from all others on the machine. */
const sleepOfOurs = () => `sleep 300.${randomInt(1e9)}`;

/** The run's pull request is open, and it is the only thing that came of it. */
async function expectOnePull(world: World, runId: string): Promise<void> {
  const run = await world.runThat("published", ({ id, stage }) => id === runId && stage === "preview_ready", 120);
  const { refs, pulls } = world.github.lookAt(world.fullName);
  const ofRun = `feedback/issue-${run.issueNumber}-`;
  expect(pulls.filter(({ head }) => head.startsWith(ofRun))).toHaveLength(1);
  expect(Object.keys(refs).filter((ref) => ref.includes(ofRun))).toHaveLength(1);
}

/** Asks with this lease for what publishes, and tells the problem. */
async function askForToken(world: World, jobId: string, lease: string): Promise<unknown> {
  const response = await fetch(`${world.tap.url}/v1/jobs/${jobId}/credentials`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${world.workerKey}`,
      lease,
    },
    body: JSON.stringify({ purpose: "publish" }),
  });
  return ((await response.json()) as { code?: string }).code;
}

/** Numbers of the engine's lines `line <n>.` in the run's log. */
const numberedLines = async (world: World, runId: string) => numbersOf(await world.logsOf(runId));

function numbersOf(lines: { message: string }[]): number[] {
  return lines.flatMap(({ message }) => {
    const found = /^line (\d+)\.$/.exec(message);
    return found ? [Number(found[1])] : [];
  });
}
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
/** Prints `line 1.` and so on, one in so many milliseconds; one process, for a machine that is busy. */
const counting = (count: number, everyMs: number) =>
  `node -e 'let n = 0; const timer = setInterval(() => { console.log("line " + ++n + "."); if (n === ${count}) clearInterval(timer); }, ${everyMs})'`;

describe.concurrent("a worker or a server that is lost", () => {
  it(
    "case 14 and S0.41: kill -9 of a worker gives its job to another within 35 s, and its log up to the last second is kept",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter(counting(100, 50)),
    }); // prettier-ignore
      await world.startWorker();
      world.openIssue();
      const { id } = await world.runThat("at work", ({ phase }) => phase === "agent");
      await waitUntil("some lines", async () => (await numberedLines(world, id)).length > 20);
      const killedAt = Date.now();
      await world.kill("worker");
      const kept = (await world.logsOf(id)).filter(({ message }) => message.startsWith("line "));
      expect(killedAt - Date.parse(kept.at(-1)?.at ?? "")).toBeLessThan(1_000);
      // Of one look: what was on its way when the worker died may still come in.
      expect(numbersOf(kept)).toEqual(upTo(kept.length));

      const renewal = world.tap.requests.findLast(({ path }) => path.endsWith("/renew"));
      await world.startWorker();
      await expectOnePull(world, id);
      const { timeline, attempt } = await world.runOf(id);
      const lost = events(timeline, "lease_lost");
      expect(lost).toHaveLength(1);
      const leaseSeconds = (Date.parse(lost[0]?.at ?? "") - (renewal?.at ?? 0)) / 1_000;
      expect(leaseSeconds).toBeGreaterThan(29);
      expect(leaseSeconds).toBeLessThanOrEqual(35);
      expect(attempt).toBe(2);
    },
  );

  it(
    "case 15: a server that is gone for 20 s finds the same attempt at work, and no line of its log lost or doubled",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter(counting(200, 140)),
    }); // prettier-ignore
      await world.startWorker();
      world.openIssue();
      const { id } = await world.runThat("at work", ({ phase }) => phase === "agent");
      await waitUntil("some lines", async () => (await numberedLines(world, id)).length > 10);
      await world.kill("server");
      // A machine that is busy starts it slowly: what counts is for how long nobody answers.
      const [outage, back] = [world.tap.outage(), Date.now() + 20_000];
      await world.startServer();
      await waitUntil("20 s of outage", () => Date.now() > back);
      outage.end();
      expect((await numberedLines(world, id)).length).toBeLessThan(200);
      await expectOnePull(world, id);
      const run = await world.runOf(id);
      expect(run.attempt).toBe(1);
      expect(events(run.timeline, "lease_lost")).toEqual([]);
      expect(await numberedLines(world, id)).toEqual(upTo(200));
    },
  );

  it(
    "case 17: a job that kills each worker is given up after 3 attempts with pauses between, and others flow meanwhile",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 0.2, settings: noChecks,
      engineCommand: sedEngineAfter(`if grep -q deadly /task/issue.json; then ${sleepOfOurs()}; fi`),
    }); // prettier-ignore
      const other = await world.addProject({ repo: "other", settings: noChecks });
      world.openIssue({ title: "This one is deadly" });
      const { id, jobId } = await world.runThat("queued", ({ waitingFor }) => waitingFor !== "github");
      for (const attempt of upTo(3)) {
        const begins = world.tap.holdNext({ ...beginsAgent, path: new RegExp(`${jobId}/events`) });
        await world.startWorker();
        const held = await begins;
        await world.kill("worker");
        held.cut();
        const { number } = other.openIssue();
        if (attempt === 3) await world.startWorker();
        if (attempt < 3) continue;
        await other.runThat(
          "the newest of the other project",
          ({ issueNumber, stage }) => issueNumber === number && stage === "preview_ready",
        );
      }
      const run = await world.runThat("given up", ({ stage }) => stage === "failed");
      expect(run).toMatchObject({ id, reason: "attempts_exhausted", attempt: 3 });
      expect((await other.runs()).map(({ stage }) => stage)).toEqual([
        "preview_ready",
        "preview_ready",
        "preview_ready",
      ]);
      const { timeline } = await world.runOf(id);
      const [leased, lost] = [events(timeline, "leased"), events(timeline, "lease_lost")];
      expect([leased.length, lost.length]).toEqual([3, 2]);
      for (const [index, backoff] of [1, 2].entries())
        expect(secondsBetween(lost[index]!, leased[index + 1]!)).toBeGreaterThanOrEqual(backoff * 0.8);
      expect(world.github.lookAt(world.fullName).pulls).toEqual([]);
    },
  );

  it(
    "case 18: a cancel of a deaf worker's run is final within 17 s, and the worker that wakes afterwards writes and publishes nothing",
    bounded,
    async () => {
      const sleep = sleepOfOurs();
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter(`echo begun; ${sleep}`),
    }); // prettier-ignore
      const worker = await world.startWorker();
      world.openIssue();
      const { id } = await world.runThat("at work", ({ phase }) => phase === "agent");
      await waitUntil("the agent's process", () => processesWith(sleep).length > 0);
      worker.kill("SIGSTOP");
      const asked = performance.now();
      await world.act(id, "cancel");
      const run = await world.runThat("final", ({ stage }) => stage === "failed");
      expect((performance.now() - asked) / 1_000).toBeLessThanOrEqual(17);
      expect(run.reason).toBe("cancelled");

      const before = { run: await world.runOf(id), lines: await world.logsOf(id) };
      const asleep = world.tap.requests.length;
      worker.kill("SIGCONT");
      await waitUntil("told the worker that it lost the job", () =>
        world.tap.requests.slice(asleep).some(({ lease, status }) => lease && status === 409),
      );
      await waitUntil("the worker gave up the job", () => worker.events.some(({ event }) => event === "job.ended"));
      expect(processesWith(sleep)).toEqual([]);
      expect({ run: await world.runOf(id), lines: await world.logsOf(id) }).toEqual(before);
      const answers = world.tap.requests.slice(asleep).filter(({ lease, status }) => lease && status !== null);
      expect(answers.map(({ status }) => status).filter((status) => status !== 409)).toEqual([]);
      const { refs, pulls } = world.github.lookAt(world.fullName);
      expect([Object.keys(refs), pulls]).toEqual([["refs/heads/main"], []]);
    },
  );

  it.for(["before", "after"] as const)(
    "case 42: a worker that sleeps through 2 leases %s its permit is refused, and its successor's pull request is the only one",
    bounded,
    async (when) => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 0.2, settings: noChecks, engineCommand: sedEngineAfter("true"),
    }); // prettier-ignore
      const sleeper = await world.startWorker();
      const asking = world.tap.holdNext({ method: "POST", path: /\/permit$/, when });
      world.openIssue();
      const held = await asking;
      sleeper.kill("SIGSTOP");
      const sleeping = Date.now();
      const permitOf = (attempt: string) =>
        world.tap.requests.find(({ path, lease }) => path.endsWith("/permit") && lease?.startsWith(attempt));
      const { id, jobId } = await world.runThat("held up", ({ stage }) => stage === "validating");
      await world.startWorker();
      await expectOnePull(world, id);
      await waitUntil("2 leases of sleep", () => Date.now() - sleeping > 12_000);

      // Labels follow a run by and by; refs and pull requests are what a publisher makes.
      const made = () => {
        const { refs, pulls } = world.github.lookAt(world.fullName);
        return { refs, heads: pulls.map(({ head, headSha }) => ({ head, headSha })) };
      };
      const published = made();
      const before = await world.runOf(id);
      const pushes = () => world.github.requests.filter(({ path }) => path.endsWith("git-receive-pack")).length;
      const pushed = pushes();
      // Its words arrive late, whether it still stands by them or not.
      held.release();
      if (when === "before") await waitUntil("answered the sleeper", () => permitOf("1.")?.status === 409);
      sleeper.kill("SIGCONT");
      await waitUntil("the sleeper ended its job", () => sleeper.events.some(({ event }) => event === "job.ended"));
      expect(await askForToken(world, jobId, permitOf("1.")?.lease ?? "")).toBe("lease_lost");
      expect(made()).toEqual(published);
      expect(pushes()).toBe(pushed);
      expect((await world.runOf(id)).timeline).toEqual(before.timeline);
      expect(before.attempt).toBe(2);
    },
  );

  it(
    "embedded database: a run goes from issue to pull request, and another over kill -9 of the server",
    bounded,
    async () => {
      await using world = await openWorld({
      figuresScale: 0.5, settings: noChecks,
      engineCommand: sedEngineAfter(`if grep -q slow /task/issue.json; then ${counting(60, 100)}; fi`),
    }); // prettier-ignore
      await world.startWorker();
      world.openIssue();
      const first = await world.runThat("published", ({ stage }) => stage === "preview_ready");
      await expectOnePull(world, first.id);

      world.openIssue({ title: "A slow one" });
      const second = await world.runThat("at work", ({ id, phase }) => id !== first.id && phase === "agent");
      await waitUntil("some lines", async () => (await numberedLines(world, second.id)).length > 5);
      await world.kill("server");
      await world.startServer();
      await expectOnePull(world, second.id);
      expect(await numberedLines(world, second.id)).toEqual(upTo(60));
      expect((await world.runOf(second.id)).attempt).toBe(1);
    },
  );
});
