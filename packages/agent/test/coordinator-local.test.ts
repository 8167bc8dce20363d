import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runSettings } from "@feedback-chat/protocol/job";
import { openSpendLedger } from "../src/coordinators/local-spend.ts";
import { readLocalState } from "../src/coordinators/local-state.ts";
import { localCoordinator } from "../src/coordinators/local.ts";
import { createLocalRun, ledgerInput } from "../src/coordinators/open-local-run.ts";
import { newUuid } from "../src/platform/new-id.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { ignoring } from "../src/platform/ignoring.ts";
import { spendStoreContract } from "@feedback-chat/testing/spend-store-contract";
import { expect, it } from "vitest";
import { coordinatorContract } from "./contracts/coordinator.ts";
import { leasedJobOf } from "./protocol-server.ts";

const clock = systemClock();
const github = { type: "github_token", value: "ghp_local" };

coordinatorContract("a run's folder as coordinator", async ({ origin, publish }) => {
  const stateFolder = await mkdtemp(join(tmpdir(), "local-run-"));
  const deps = {
    clock,
    newUuid,
    credentials: { publish: github },
    signal: new AbortController().signal,
    onEvent: () => undefined,
  };
  const job = leasedJobOf({
    origin,
    settings: runSettings.parse({ budgetMicroUsd: 1_000_000, publish }),
  });
  const state = await createLocalRun(deps, { stateFolder, job, publish });
  const runFolder = join(stateFolder, "runs", state.runId);
  const open = async () => {
    const now = await readLocalState(runFolder, state.runId);
    return localCoordinator({ ...deps, ledger: openSpendLedger(deps, ledgerInput(stateFolder, now)) }, runFolder, now);
  };
  const coordinator = await open();
  return {
    coordinator,
    async seen() {
      await coordinator.flush();
      const now = await readLocalState(runFolder, state.runId);
      const log = (await readFile(join(runFolder, "log.ndjson"), "utf8").catch(ignoring("ENOENT"))) ?? "";
      const lines = log
        .split("\n")
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { message: string }).message);
      return { ...now, lines, costMicroUsd: now.spent.costMicroUsd };
    },
    async approve(treeId) {
      const again = await open();
      await again.approve(treeId, "ada");
      await again.reopen();
      return again;
    },
    [Symbol.asyncDispose]: () => rm(stateFolder, { recursive: true }),
  };
});

spendStoreContract("a repository's file of spending", async ({ runMicroUsd, dayMicroUsd }) => {
  const folder = await mkdtemp(join(tmpdir(), "local-spend-"));
  const open = (runId: string) => {
    const input = {
      file: join(folder, "spend.json"),
      runId,
      runCeilingMicroUsd: runMicroUsd,
      dayCeilingMicroUsd: dayMicroUsd,
    };
    const ledger = openSpendLedger({ clock, newUuid, signal: new AbortController().signal }, input);
    return {
      reserve: ledger.reserve,
      settle: (
        { reservationId }: { reservationId: string },
        microUsd: number,
        tokens: { input: number; output: number },
      ) => ledger.settle(reservationId, microUsd, tokens),
    };
  };
  return { run: open("one"), other: open("two"), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
});

it("gives the next attempt what this run has used, and nothing of another one", async () => {
  const stateFolder = await mkdtemp(join(tmpdir(), "local-run-"));
  const at = { ms: Date.parse("2026-11-21T12:00:00Z") };
  const deps = {
    clock: { ...clock, now: () => new Date(at.ms) },
    newUuid,
    credentials: { publish: github },
    signal: new AbortController().signal,
    onEvent: () => undefined,
  };
  const pass = (minutes: number) => void (at.ms += minutes * 60_000);
  const start = async () => {
    const state = await createLocalRun(deps, { stateFolder, job: leasedJobOf(), publish: "hold" });
    const ledger = openSpendLedger(deps, ledgerInput(stateFolder, state));
    return localCoordinator({ ...deps, ledger }, join(stateFolder, "runs", state.runId), state);
  };
  const [run, other] = [await start(), await start()];
  const pay = async (one: typeof run, microUsd: number) =>
    one.settle(await one.reserve(9_000), microUsd, { input: 90, output: 9 });
  await run.report("phase_started", "agent");
  expect(run.state.job.loggedBytes).toBe(0);
  for (let line = 0; line < 5; line++) run.log("info", "x".repeat(8_000));
  pass(2);
  await pay(run, 700);
  await pay(run, 0); // the model was busy
  await pay(other, 5_000);
  pass(1);
  await run.wait({ for: "reporter", question: "Which?", resumeAt: "snapshot" });
  pass(60);
  await run.answer("The total.");
  await run.reopen();
  expect(run.state.job.used).toMatchObject({ costMicroUsd: 700, turns: 1, agentMs: 3 * 60_000 });
  expect(run.state.job.loggedBytes).toBeGreaterThan(5 * 8_000);
  // Then the machine stopped, 4 minutes after the agent's second start, and came back the next morning.
  await run.report("phase_started", "agent");
  pass(4);
  await pay(run, 800);
  pass(900);
  await run.reopen();
  expect(run.state.job.used).toMatchObject({ costMicroUsd: 1_500, turns: 2, agentMs: 7 * 60_000 });
  // It waits for days, others spend meanwhile: its own ceiling remembers, the day's does not.
  pass(3 * 24 * 60);
  await pay(other, 200);
  const ledger = openSpendLedger(deps, ledgerInput(stateFolder, run.state));
  expect(await ledger.turnsOfRun()).toMatchObject({ turns: 2 });
  expect(await ledger.spentByRun()).toEqual({ costMicroUsd: 1_500, inputTokens: 270, outputTokens: 27 });
  expect(await ledger.leftToday()).toBe(run.state.job.settings.dayBudgetMicroUsd - 200);
  await expect(ledger.reserve(run.state.job.settings.budgetMicroUsd - 1_000)).rejects.toMatchObject({
    code: "budget_exceeded",
    facts: { scope: "run" },
  });
  await rm(stateFolder, { recursive: true });
});
