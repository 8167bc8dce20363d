import type { CheckResult } from "@feedback-chat/protocol/evidence";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import type { Redactor } from "../core/redact.ts";
import type { Clock } from "../ports/clock.ts";
import type { SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import { projectEnvironment } from "../core/project-environment.ts";
import { withPathBefore } from "../core/with-path.ts";
import type { Layers } from "./deps.ts";
import type { Check } from "../core/choose-checks.ts";
import { parentsOf } from "../core/tree-paths.ts";

export type Side = CheckResult["head"];
/** What a check came to on one side, with more of its words than the evidence keeps: to compare the sides by. */
export type Judged = { side: Side; said: string };
export type RunCheckDeps = { clock: Clock; redactor: Pick<Redactor, "text">; signal: AbortSignal };
export type RunCheckInput = {
  check: Check;
  /** Where it runs; "" is the root of the tree. */
  folder: string;
  layers: Layers;
  limits: SandboxLimits;
};

const keptBytes = 64 * 1024;
const tailBytes = 4 * 1024;

/** Runs one check in the sandbox: no network, no proxy, no task, and only the end of what it says is kept. */
export async function runCheck(
  { clock, redactor, signal }: RunCheckDeps,
  job: SandboxJob,
  input: RunCheckInput,
): Promise<Judged> {
  const { check, folder, layers, limits } = input;
  const startedMs = clock.monotonicMs();
  const run = job.run({
    // The folder of the layer first: a `.bin` that the change brings shadows nothing.
    argv: withPathBefore(
      [...binFoldersAt(folder, layers), ...layers.binFolders, ...layers.node.binFolders],
      check.command,
    ),
    workingFolder: folder === "" ? insidePaths.tree : `${insidePaths.tree}/${folder}`,
    env: {
      ...projectEnvironment,
      CI: "true",
      NO_COLOR: "1",
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      npm_config_script_shell: "/bin/sh",
    },
    stdin: "",
    layers: layers.folders,
    readOnlyMounts: [...layers.mounts, ...layers.node.mounts],
    limits,
    signal,
  });
  const tail = makeTail();
  await Promise.all([drain(run.stdout, tail.push), drain(run.stderr, tail.push)]);
  const end = await run.ended;
  signal.throwIfAborted();
  const outcome = end.by === "time" ? "timed_out" : end.by === "exit" && end.exitCode === 0 ? "passed" : "failed";
  const why = end.by === "resources" ? `\n[ended: ${end.detail}]` : "";
  const said = redactor.text(cleanText(tail.text())) + why;
  const durationMs = Math.round(clock.monotonicMs() - startedMs);
  return { side: { outcome, durationMs, outputTail: lastBytes(said) }, said };
}

/** As npm does: the programs of the package itself, then of each folder above it. Those of the layer only. */
function binFoldersAt(folder: string, { folders }: Layers): string[] {
  const installed = new Set(folders.map(({ inside }) => inside));
  return [folder, ...(folder === "" ? [] : parentsOf(folder))]
    .map((each) => `${insidePaths.tree}/${each === "" ? "" : `${each}/`}node_modules`)
    .filter((place) => installed.has(place))
    .map((place) => `${place}/.bin`);
}

async function drain(source: AsyncIterable<Uint8Array>, push: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of source) push(chunk);
}

/** Keeps the last bytes only, whatever comes. */
function makeTail() {
  let chunks: Buffer[] = [];
  let length = 0;
  return {
    push(chunk: Uint8Array) {
      chunks.push(Buffer.from(chunk));
      length += chunk.length;
      if (length < 2 * keptBytes) return;
      chunks = [Buffer.concat(chunks).subarray(-keptBytes)];
      length = keptBytes;
    },
    text: () => Buffer.concat(chunks).subarray(-keptBytes).toString("utf8"),
  };
}

function lastBytes(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= tailBytes) return text;
  return `…${bytes
    .subarray(-(tailBytes - 6))
    .toString("utf8")
    .replace(/^\ufffd+/, "")}`;
}
