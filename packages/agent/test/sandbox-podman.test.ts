import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";
import { machineUidFolder } from "../src/sandboxes/bubblewrap.ts";
import { podman } from "../src/sandboxes/podman.ts";
import { selfTest } from "../src/sandboxes/self-test.ts";
import { running, sandboxContract } from "./contracts/sandbox.ts";
import { holdSandbox, until } from "./open-sandbox.ts";

/** Set for the run of this very file in which real podman is used: it may need a mount namespace of its own. */
const isWithin = process.env["FEEDBACK_CHAT_TEST_PODMAN"] === "1";

async function openPodman() {
  const rootFolder = await mkdtemp("/tmp/fc-");
  const deps = { rootFolder, userId: process.getuid?.() ?? 0, nodePath: process.execPath, npmFolder: null };
  return {
    rootFolder,
    sandbox: podman({ ...deps, uidFolder: machineUidFolder }),
    [Symbol.asyncDispose]: () => rm(rootFolder, { recursive: true, force: true }),
  };
}

if (isWithin) {
  sandboxContract("real podman", openPodman);

  it("ends what a killed worker's container left running (case 41)", async () => {
    await using opened = await openPodman();
    const mark = `orphan-${process.pid}-${Math.trunc(performance.now())}`;
    const worker = holdSandbox(opened.rootFolder, mark, "podman");
    await once(worker.stdout, "data");
    const ended = once(worker, "exit");
    worker.kill("SIGKILL");
    await ended;
    expect(running(mark)).toBeGreaterThan(0);
    const { removed } = await opened.sandbox.sweep();
    expect(removed.filter((folder) => new RegExp(`[./]${worker.pid}[.]`).test(folder))).toHaveLength(3);
    await until(() => running(mark) === 0);
  });

  it("lets nothing out: the worker's own self-test", async () => {
    await using opened = await openPodman();
    const { facts, probes } = await selfTest({ sandbox: opened.sandbox, tempFolder: "/tmp", engine: null });
    expect(facts.mechanism).toBe("container");
    expect(probes.filter(({ status }) => status === "fail")).toEqual([]);
    expect(probes.filter(({ status }) => status === "pass").length).toBeGreaterThan(20);
  });
} else {
  it("keeps the sandbox's whole contract on real podman, or says why it cannot here", async () => {
    const way = await findWay();
    process.stderr.write(`real podman: ${way.told}\n`);
    if (way.within === null) {
      // The other path: what it says to whoever meets this. Its walls are held by podman-arguments.test.ts.
      expect(way.problem).toMatchObject({ code: "sandbox_unavailable", next: expect.stringMatching(/\w{3}/) });
      return;
    }
    const { passed, failed } = await runWithin(way.within);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThan(22);
    process.stderr.write(`real podman: ${passed} tests passed on it\n`);
  }, 240_000);
}

type Way = { within: string[]; told: string } | { within: null; told: string; problem: unknown };

/** crun refuses to start beside a hybrid hierarchy of control groups; root may look away from it. */
const withoutHybridGroups = ["unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified && exec "$@"', "sh"];

async function findWay(): Promise<Way> {
  const problem = await tryPodman([]);
  if (problem === null) return { within: [], told: "it works as it is" };
  const isHybrid = / \/sys\/fs\/cgroup\/unified /.test(readFileSync("/proc/self/mounts", "utf8"));
  if (isHybrid && process.getuid?.() === 0 && (await tryPodman(withoutHybridGroups)) === null)
    return { within: withoutHybridGroups, told: "it works in a mount namespace without the hybrid control groups" };
  return { within: null, told: `NOT TRIED, only its arguments are: ${problem.message}`, problem };
}

async function tryPodman(within: string[]): Promise<(Error & { code: string; next: string }) | null> {
  const probe = fileURLToPath(new URL("fixtures/probe-podman.ts", import.meta.url));
  const { stdout } = await execa({ stdin: "ignore" })`${[...within, process.execPath, "--conditions=source", probe]}`;
  const { problem } = JSON.parse(stdout) as { problem: { code: string; message: string; next: string } | null };
  return problem && Object.assign(new Error(problem.message), { code: problem.code, next: problem.next });
}

type Report = {
  numPassedTests: number;
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
  }[];
};

async function runWithin(within: string[]): Promise<{ passed: number; failed: string[] }> {
  const root = join(import.meta.dirname, "../../..");
  const folder = await mkdtemp("/tmp/fc-report-");
  const outputFile = join(folder, "report.json");
  const vitest = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "agent:suite"];
  const reporting = ["--reporter=json", `--outputFile=${outputFile}`, import.meta.filename];
  const { all } = await execa({
    cwd: root,
    reject: false,
    stdin: "ignore",
    all: true,
    env: { FEEDBACK_CHAT_TEST_PODMAN: "1" },
  })`${[...within, process.execPath, ...vitest, ...reporting]}`;
  const report = await readFile(outputFile, "utf8").catch((error: unknown) => {
    throw new Error(`no report: ${all.slice(-2_000)}`, { cause: error });
  });
  await rm(folder, { recursive: true });
  const { numPassedTests, testResults } = JSON.parse(report) as Report;
  const failed = testResults.flatMap(({ message, assertionResults }) => [
    ...(message ? [message] : []),
    ...assertionResults
      .filter(({ status }) => status !== "passed")
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join(" ").slice(0, 500)}`),
  ]);
  return { passed: numPassedTests, failed };
}
