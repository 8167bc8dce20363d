import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { isKnownArchitecture, seccompProgram } from "../../packages/agent/src/core/seccomp-program.ts";
import type { SandboxJob } from "../../packages/agent/src/ports/sandbox.ts";
import { bubblewrap } from "../../packages/agent/src/sandboxes/bubblewrap.ts";
import { alternate } from "./alternate.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";

const rounds = 60;
const limits = { wallSeconds: 20, memoryBytes: 256e6, processes: 64, fileBytes: 1e6, scratchBytes: 8e6 };

export const bench: Bench = {
  name: "p7c-sandbox-start",
  about: "`true` between our walls, against bubblewrap by hand and against a process without walls",
  async *run() {
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-p7c-"));
    chmodSync(folder, 0o711); // the sandbox's own user has to get through it
    try {
      const sandbox = bubblewrap({
        rootFolder: join(folder, "root"),
        uidFolder: join(folder, "uids"),
        userId: process.getuid?.() ?? 0,
        nodePath: process.execPath,
        npmFolder: null,
      });
      const openJob = () => sandbox.open({ name: "bench", slot: 0 });
      const bwrap = { work: () => execa("bwrap", bareArguments) };
      const spawned = { work: () => execa("true") };
      const whole = { work: () => wholeJob(openJob) };
      await wholeJob(openJob); // the tools are put in place once
      const bare = { unit: "ms", baselineName: "bwrap … true" };
      {
        await using job = await openJob();
        const inside = { work: () => runTrue(job) };
        await alternate(5, { ours: inside, baseline: bwrap });
        const once = inMs(await alternate(rounds, { ours: inside, baseline: bwrap }));
        yield compare({ bench: "P7c command in an open job", ...bare }, once);
        const unwalled = inMs(await alternate(rounds, { ours: inside, baseline: spawned }));
        yield compare({ bench: "P7c command in an open job", unit: "ms", baselineName: "spawn of true" }, unwalled);
      }
      yield compare({ bench: "P7c job opened, used, closed", ...bare }, inMs(await alternate(rounds, { ours: whole, baseline: bwrap })));
      yield await filterCost(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
}; // prettier-ignore

/** Namespaces and a read-only system: the least that is a sandbox. */
const bareArguments = [
  ...["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--die-with-parent"],
  ...["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "true"],
];

/** The filter of system calls by itself: the same start with it and without, a descriptor more in both. */
async function filterCost(folder: string) {
  if (!isKnownArchitecture(process.arch)) throw new Error(`no filter is known for ${process.arch}`);
  const file = join(folder, "filter");
  writeFileSync(file, seccompProgram(process.arch));
  const start = (flags: string) => ({
    work: () => execa("/bin/sh", ["-c", `exec bwrap ${flags} "$@" 3<"$0"`, file, ...bareArguments]),
  });
  const [withFilter, without] = [start("--seccomp 3"), start("")];
  await alternate(5, { ours: withFilter, baseline: without });
  const seconds = await alternate(3 * rounds, { ours: withFilter, baseline: without });
  return compare({ bench: "P7c start with the filter", unit: "ms", baselineName: "without it" }, inMs(seconds));
}

async function wholeJob(openJob: () => Promise<SandboxJob>): Promise<void> {
  await using job = await openJob();
  await runTrue(job);
}

async function runTrue(job: SandboxJob): Promise<void> {
  const signal = new AbortController().signal;
  const run = job.run({ argv: ["true"], env: {}, stdin: "", readOnlyMounts: [], limits, signal });
  const { exitCode, detail } = await run.ended;
  if (exitCode !== 0) throw new Error(detail);
}

function inMs({ ours, baseline }: Record<"ours" | "baseline", number[]>) {
  const milliseconds = (all: number[]) => all.map((seconds) => seconds * 1_000);
  return { ours: milliseconds(ours), baseline: milliseconds(baseline) };
}
