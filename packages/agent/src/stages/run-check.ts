import type { CheckResult } from "@feedback-chat/protocol/evidence";
import { cleanText } from "../core/clean-log.ts";
import { insidePaths } from "../core/inside-paths.ts";
import type { Redactor } from "../core/redact.ts";
import type { Clock } from "../ports/clock.ts";
import type { SandboxJob, SandboxLimits } from "../ports/sandbox.ts";
import type { Layers } from "./deps.ts";
import { pathIn, type Check } from "./find-checks.ts";

export type Side = CheckResult["head"];
export type RunCheckDeps = { clock: Clock; redactor: Redactor; signal: AbortSignal };
export type RunCheckInput = {
  check: Check;
  subFolder: string;
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
): Promise<Side> {
  const { check, subFolder, layers, limits } = input;
  const startedMs = clock.monotonicMs();
  const path = layers.binFolders.join(":");
  const run = job.run({
    // The folder of the layer first: a `.bin` that the change brings shadows nothing.
    argv: ["/bin/sh", "-c", 'PATH="$1${1:+:}$PATH"; export PATH; shift; exec "$@"', "check", path, ...check.command],
    workingFolder:
      pathIn(subFolder, "") === ""
        ? insidePaths.tree
        : `${insidePaths.tree}/${pathIn(subFolder, "").replace(/\/$/, "")}`,
    env: {
      CI: "true",
      NO_COLOR: "1",
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      npm_config_script_shell: "/bin/sh",
    },
    stdin: "",
    readOnlyMounts: layers.mounts,
    limits,
    signal,
  });
  const tail = makeTail();
  await Promise.all([drain(run.stdout, tail.push), drain(run.stderr, tail.push)]);
  const end = await run.ended;
  signal.throwIfAborted();
  const outcome = end.by === "time" ? "timed_out" : end.by === "exit" && end.exitCode === 0 ? "passed" : "failed";
  const why = end.by === "resources" ? `\n[ended: ${end.detail}]` : "";
  return {
    outcome,
    durationMs: Math.round(clock.monotonicMs() - startedMs),
    outputTail: lastBytes(redactor.text(cleanText(tail.text())) + why),
  };
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
