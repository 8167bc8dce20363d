import { randomInt } from "node:crypto";
import { job } from "@feedback-chat/protocol/job";
import { pageOf, type Run, type RunEventEntry } from "@feedback-chat/protocol/run";
import { phases } from "@feedback-chat/protocol/run-machine";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { callApi } from "../src/call-api.ts";
import { openWorld, sedEngine, sedEngineAfter, type World } from "../src/open-world.ts";
import { listeningPorts, processesBelow, processesWith } from "../src/process-tree.ts";
import { waitUntil } from "../src/wait-until.ts";

const databaseUrl = process.env["TEST_DATABASE_URL"];
const noChecks = { publish: "auto", checks: [] };
const bounded = { timeout: 170_000 };

const secondsBetween = (from: RunEventEntry | undefined, to: RunEventEntry | undefined) =>
  (Date.parse(to?.at ?? "") - Date.parse(from?.at ?? "")) / 1_000;
const isPublished = ({ stage }: Run) => stage === "preview_ready";
/** An argument by which this test's processes are told from all others on the machine. */
const sleepOfOurs = () => `sleep 300.${randomInt(1e9)}`;

async function drainByApi(world: World): Promise<void> {
  const path = `/v1/workspaces/${world.workspaceId}/workers`;
  const { items } = await callApi(world.api, {
    method: "GET",
    path,
    answer: pageOf(z.looseObject({ id: z.string() })),
  });
  const drain = `/v1/workers/${items[0]?.id}/drain`;
  await callApi(world.api, { method: "POST", path: drain, answer: z.undefined() });
}
const jobOf = (world: World, jobId: string) =>
  callApi(world.api, { method: "GET", path: `/api/jobs/${jobId}`, answer: job });

describe.concurrent("the queue between server and worker", () => {
  it(
    "case 8: closing the issue ends the agent within 5 s and the run with that reason; opening it again starts a new run",
    bounded,
    async () => {
      const sleep = sleepOfOurs();
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter(sleep),
    }); // prettier-ignore
      const worker = await world.startWorker();
      const { number } = world.openIssue();
      const first = await world.runThat("at work", ({ phase }) => phase === "agent");
      // Below the worker, all of them: one that appears between the two looks makes it look again.
      await waitUntil("the agent's processes below the worker", () => {
        const agents = processesWith(sleep);
        const inside = new Set(processesBelow(worker.pid).map(({ pid }) => pid));
        return agents.length > 0 && agents.every(({ pid }) => inside.has(pid));
      });

      const closed = performance.now();
      await world.github.closeIssue({ repo: world.fullName, number });
      await waitUntil("the agent is dead", () => processesWith(sleep).length === 0);
      expect((performance.now() - closed) / 1_000).toBeLessThanOrEqual(5);
      const ended = await world.runThat("over", ({ stage }) => stage === "failed");
      expect(ended).toMatchObject({ id: first.id, reason: "issue_closed" });
      await waitUntil("nothing of the job is left", () => processesBelow(worker.pid).length === 0);

      await world.github.reopenIssue({ repo: world.fullName, number });
      const again = await world.runThat("a new one at work", ({ id, phase }) => id !== first.id && phase === "agent");
      expect(again).toMatchObject({ issueNumber: number, attempt: 1 });
      expect(await world.runs()).toHaveLength(2);
      expect(world.github.lookAt(world.fullName).pulls).toEqual([]);
    },
  );

  it("case 18: a cancel in each status and phase is final within 5 s, and nothing is published", bounded, async () => {
    await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: { checks: [] }, engineCommand: sedEngine,
    }); // prettier-ignore
    const cancelled = async (run: Run) => {
      const asked = performance.now();
      await world.act(run.id, "cancel");
      return async () => {
        const ended = await world.runThat(
          `cancelled in ${run.phase}`,
          ({ id, stage }) => id === run.id && stage === "failed",
          10,
        );
        expect((performance.now() - asked) / 1_000).toBeLessThanOrEqual(5);
        expect(ended).toMatchObject({ reason: "cancelled", result: "failed" });
        expect((await jobOf(world, run.jobId)).status).toBe("failed");
      };
    };
    const newRun = async () => {
      const { number } = world.openIssue();
      return world.runThat("queued", (run) => run.issueNumber === number && run.waitingFor !== "github");
    };
    await (
      await cancelled(await newRun())
    )();

    const worker = await world.startWorker();
    const held = await newRun();
    const waiting = await world.runThat("held", ({ id, waitingFor }) => id === held.id && waitingFor === "approval");
    await (
      await cancelled(waiting)
    )();

    await world.patchSettings({ publish: "auto" });
    const ofWorker = phases.filter((phase) => !["gate", "follow"].includes(phase));
    for (const phase of ofWorker) {
      const begins = world.tap.holdNext({
        method: "POST",
        path: /\/events$/,
        body: new RegExp(`"phase":"${phase}"`),
        when: "after",
      });
      const run = await newRun();
      const there = await begins;
      const ends = await cancelled({ ...run, phase });
      there.release();
      await ends();
      await waitUntil("nothing of the job is left", () => processesBelow(worker.pid).length === 0);
    }
    expect(await world.runs()).toHaveLength(ofWorker.length + 2);
    const { refs, pulls } = world.github.lookAt(world.fullName);
    expect([Object.keys(refs), pulls]).toEqual([["refs/heads/main"], []]);
  });

  it.for(["API", "SIGTERM"] as const)(
    "case 19: drain by %s lets the running job finish on its attempt, and takes no other",
    bounded,
    async (way) => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter("echo begun; sleep 2"),
    }); // prettier-ignore
      const worker = await world.startWorker();
      const first = world.openIssue();
      await world.runThat("at work", ({ phase }) => phase === "agent");
      if (way === "API") await drainByApi(world);
      else worker.kill("SIGTERM");
      await worker.heard("worker.draining");
      const second = world.openIssue();
      expect(await worker.exited).toEqual({ code: 0, signal: null });
      const runs = await world.runs();
      expect(runs.find(({ issueNumber }) => issueNumber === first.number)).toMatchObject({
        stage: "preview_ready",
        attempt: 1,
      });
      expect(runs.find(({ issueNumber }) => issueNumber === second.number)).toMatchObject({
        stage: "queued",
        attempt: 0,
      });
    },
  );

  it("case 19: a second SIGTERM gives the running job back at once, and costs it no attempt", bounded, async () => {
    const sleep = sleepOfOurs();
    await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngineAfter(sleep),
    }); // prettier-ignore
    const worker = await world.startWorker();
    world.openIssue();
    const { id, jobId } = await world.runThat("at work", ({ phase }) => phase === "agent");
    await waitUntil("the agent's process", () => processesWith(sleep).length > 0);
    const { maxAttempts } = await jobOf(world, jobId);
    worker.kill("SIGTERM");
    await worker.heard("worker.draining");
    worker.kill("SIGTERM");
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect(processesWith(sleep)).toEqual([]);
    expect(await jobOf(world, jobId)).toMatchObject({
      status: "pending",
      isParked: false,
      maxAttempts: maxAttempts + 1,
    });
    const { timeline } = await world.runOf(id);
    expect(timeline.at(-1)).toMatchObject({ event: "released", stage: "queued" });

    await world.startWorker();
    await world.runThat("taken again", ({ attempt, phase }) => attempt === 2 && phase === "agent", 20);
  });

  it(
    "S0.39 and S0.43: a waiting worker takes a job within a second and listens on no port; three issues run one after another, in order",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngine, concurrency: 2,
    }); // prettier-ignore
      const worker = await world.startWorker();
      const ports = [worker.pid, ...processesBelow(worker.pid).map(({ pid }) => pid)].flatMap(listeningPorts);
      expect(ports).toEqual([]);
      expect(listeningPorts(world.programs.server?.pid ?? 0)).toHaveLength(1); // it does find one

      const opened = [world.openIssue(), world.openIssue(), world.openIssue()].map(({ number }) => number);
      await waitUntil("three pull requests", async () => (await world.runs()).filter(isPublished).length === 3);
      const details = await Promise.all((await world.runs()).toReversed().map(({ id }) => world.runOf(id)));
      expect(details.map(({ issueNumber }) => issueNumber)).toEqual(opened);
      const spans = details.map(({ timeline }) => ({
        free: timeline.findLast(({ event }) => event === "unparked" || event === "admitted"),
        leased: timeline.find(({ event }) => event === "leased"),
        published: timeline.find(({ event }) => event === "published"),
      }));
      expect(secondsBetween(spans[0]?.free, spans[0]?.leased)).toBeLessThan(1);
      for (const [index, { published }] of spans.slice(0, -1).entries()) {
        const pause = secondsBetween(published, spans[index + 1]?.leased);
        expect(pause).toBeGreaterThanOrEqual(0);
        expect(pause).toBeLessThan(1);
      }
    },
  );

  it("S0.43: with a concurrency of 2 the jobs of two projects run at once", bounded, async () => {
    await using world = await openWorld({
      databaseUrl, figuresScale: 1, settings: noChecks, engineCommand: sedEngine, concurrency: 2,
    }); // prettier-ignore
    const other = await world.addProject({ repo: "other", settings: noChecks });
    const rule = {
      method: "POST",
      path: /\/events$/,
      body: /"phase":"agent"/,
      when: "after",
    } as const;
    const both = [world.tap.holdNext(rule), world.tap.holdNext(rule)];
    world.openIssue();
    other.openIssue();
    await world.startWorker();
    const held = await Promise.all(both);
    for (const project of [world, other])
      expect(await project.runs()).toMatchObject([{ stage: "running", phase: "agent" }]);
    for (const one of held) one.release();
    await world.runThat("published", isPublished);
    await other.runThat("published", isPublished);
  });
});
