/** Started by clone-process.ts, once for many clones, as a worker is. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../packages/agent/src/platform/system-clock.ts";
import { cloneRepository } from "../../packages/agent/src/stages/clone.ts";
import type { CloneOrder } from "./clone-process.ts";

const deps = { clock: systemClock(), signal: new AbortController().signal };
const opened: (AsyncDisposable & { runFolder: string })[] = [];

process.on("message", (order: CloneOrder) => {
  carryOut(order).then(
    () => process.send?.(""),
    (error: unknown) => process.send?.(String(error)),
  );
});

async function carryOut(order: CloneOrder): Promise<void> {
  if (order.kind !== "forget") return cloneHere(order);
  for (const clone of opened.splice(0)) {
    await clone[Symbol.asyncDispose]();
    rmSync(clone.runFolder, { recursive: true });
  }
}

/** From a lease to the agent's tree, as the pipeline does it. */
async function cloneHere({ folder, cloneUrl, token, kind }: CloneOrder): Promise<void> {
  const cacheFolder = join(folder, "mirrors");
  if (kind === "cold") rmSync(cacheFolder, { recursive: true, force: true });
  const runFolder = mkdtempSync(join(folder, "run-"));
  const tree = join(runFolder, "tree");
  mkdirSync(tree);
  const repository = await cloneRepository(deps, {
    repository: { id: 1, fullName: "acme/large", cloneUrl, apiUrl: cloneUrl, isPrivate: true },
    baseRef: null,
    token,
    cacheFolder,
    runFolder,
  });
  opened.push({ runFolder, [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose]() });
  await repository.exportTree(repository.baseSha, tree);
}
