import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/platform/system-clock.ts";
import type { Engine, EngineEnd, EngineEvent, EngineTask } from "../../src/ports/engine.ts";
import type { Sandbox, SandboxJob } from "../../src/ports/sandbox.ts";
import { requirePrice } from "../../src/require-price.ts";
import { startModelProxy, type ModelProxy } from "../../src/proxy/start-model-proxy.ts";
import { memorySpend } from "../memory-spend.ts";
import { stubModel, type Script, type StubModel } from "../stub-model.ts";

export type OpenEngine = () => Promise<{ engine: Engine; sandbox: Sandbox } & AsyncDisposable>;
export type Played = {
  events: EngineEvent[];
  end: EngineEnd;
  proxy: ModelProxy;
  model: StubModel;
  job: SandboxJob;
};

export const task: EngineTask = {
  prompt: "Read /task/issue.json and do it.",
  repositoryInstructions: null,
  model: "claude-sonnet-4-5",
  maxTurns: 10,
  wallSeconds: 60,
  idleSeconds: 30,
  runToken: "run-token-placeholder",
  socketName: "model.sock",
};

/** Plays a scripted model against an engine, from the sandbox through the real proxy. */
export async function play(
  opened: { engine: Engine; sandbox: Sandbox },
  script: Script,
  use: (played: Played) => Promise<void> | void,
  options: {
    task?: Partial<EngineTask>;
    budgetMicroUsd?: number;
    prepare?: (job: SandboxJob) => Promise<void>;
  } = {},
): Promise<void> {
  await using model = await stubModel(script);
  await using job = await opened.sandbox.open({ name: "engine", slot: 20 });
  await writeFile(join(job.treeFolder, "shop.js"), "export const total = 1;\n");
  await options.prepare?.(job);
  await job.own(job.treeFolder);
  await job.writeTask("issue.json", JSON.stringify({ title: "Make the total 2" }));
  const agent = new Agent();
  await using proxy = await startModelProxy(
    {
      clock: systemClock(),
      spend: memorySpend(),
      dispatcher: agent,
      onRequest: () => undefined,
      onFailure: (error) => expect.fail(String(error)),
    },
    {
      socketPath: join(job.socketFolder, task.socketName), baseUrl: model.baseUrl, credential: { type: "anthropic_api_key", value: "sk-real-key-of-the-worker" },
      models: { [task.model]: requirePrice({ model: task.model, prices: {} }, {}) }, budgetMicroUsd: options.budgetMicroUsd ?? 2_000_000, wallSeconds: 60,
    }, // prettier-ignore
  );
  const run = opened.engine.start({ ...task, ...options.task }, job);
  const events: EngineEvent[] = [];
  for await (const event of run.events) events.push(event);
  await use({ events, end: await run.ended, proxy, model, job });
  await agent.close();
}

/** How a process inside ends the program that is found by `exe`. */
export const killAll = (exe: string) =>
  `for p in /proc/[0-9]*; do case "$(readlink $p/exe)" in ${exe}) victim="$victim \${p#/proc/}";; esac; done; kill -KILL $victim`;

/**
 * What every engine that edits files by a model's tools must do; `edit` is how its model would say it, `kill` how it
 * would have its program killed, which may need another program.
 */
export function engineContract(
  name: string,
  open: OpenEngine,
  { edit, kill }: { edit: Script; kill: { script: Script; open?: OpenEngine } },
): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<OpenEngine>>;
    beforeAll(async () => {
      opened = await open();
      await opened.engine.prepare();
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    it("turns the model's words into a changed tree, and claims done", () =>
      play(opened, edit, async ({ end, events, job, proxy, model }) => {
        expect(end).toMatchObject({ claim: "done", by: "exit" });
        expect(await readFile(join(job.treeFolder, "shop.js"), "utf8")).toContain("total = 2");
        expect(events.some((event) => event.type === "result" && event.claim === "done")).toBe(true);
        expect(model.requests.length).toBeGreaterThan(0);
        expect(proxy.totals().costMicroUsd).toBeGreaterThan(0);
      }));

    it("is in error, after its own end, where its program is killed by what it started", async () => {
      await using killed = await (kill.open ?? open)();
      await killed.engine.prepare();
      await play(killed, kill.script, ({ end }) => expect(end).toMatchObject({ claim: "error", by: "exit" }));
    });

    it("stops at once at the budget's end, truthfully", () =>
      play(opened, edit, ({ end, model, proxy }) => {
        expect(end).toMatchObject({ claim: "error", by: "exit" });
        expect(proxy.state.ended).toMatchObject({ reason: "budget" });
        expect(model.requests).toEqual([]);
      }, { budgetMicroUsd: 1_000 })); // prettier-ignore

    it("ends an engine that says nothing for too long", () =>
      play(
        opened,
        () => undefined,
        ({ end }) => expect(end).toMatchObject({ claim: "error", by: "idle" }),
        { task: { idleSeconds: 2 } },
      ));
  });
}
