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
