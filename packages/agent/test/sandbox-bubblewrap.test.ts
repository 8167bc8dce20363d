import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { judgedCalls, refusedCalls, unknownCalls } from "../src/core/refused-calls.ts";
import { bubblewrap, machineUidFolder, sandboxRootFor } from "../src/sandboxes/bubblewrap.ts";
import { findNpm } from "../src/sandboxes/install-tools.ts";
import { processesOf } from "../src/sandboxes/process-table.ts";
import { layeringOnce } from "../src/sandboxes/find-layering.ts";
import { layerContract } from "./contracts/layers.ts";
import { sandboxContract, running } from "./contracts/sandbox.ts";
import { holdSandbox, inside, insideNode, openSandbox, until } from "./open-sandbox.ts";

sandboxContract("bubblewrap", openSandbox);
layerContract("bubblewrap of an ordinary user", () => openSandbox({ layering: layeringOnce(["user"]) }));

/** Calls that nobody needs a right for, in Perl: each prints its name and 0, or the number of its error. */
const oddCalls = (numbers: Record<string, number>) => `
use Errno;
sub say_ { my ($name, $result) = @_; print $name, " ", ($result == -1 ? $!+0 : 0), "\\n"; }
my ($root, $page, $handle) = ("/", "\\0" x 4096, pack("LLx128", 128, 0));
say_("keyctl", syscall(${numbers["keyctl"]}, 0, -3, 1));
say_("personality", syscall(${numbers["personality"]}, 0x0040000));
say_("name_to_handle_at", syscall(${numbers["name_to_handle_at"]}, -100, $root, $handle, $page, 0));
say_("process_vm_readv", syscall(${numbers["process_vm_readv"]}, $$, $page, 0, $page, 0, 0));
say_("ptrace", syscall(${numbers["ptrace"]}, 0, 0, 0, 0));
for (["shared memory", 10_000_000], ["control shared memory", 56]) {
  my $id = syscall(${numbers["shmget"]}, 0, $_->[1], 01600);
  say_($_->[0], $id);
  syscall(${process.arch === "x64" ? 31 : 195}, $id, 0, 0) if $id != -1; # taken away again
}
say_("memory file", syscall(${numbers["memfd_create"]}, $handle, 0));
say_("netlink", syscall(${numbers["socket"]}, 16, 3, 16));
say_("alg or vsock", (syscall(${numbers["socket"]}, 40, 1, 0) >= 0 || syscall(${numbers["socket"]}, 38, 5, 0) >= 0) ? 0 : -1);
say_("control socket", syscall(${numbers["socket"]}, 2, 1, 0));
say_("control interfaces", syscall(${numbers["socket"]}, 16, 3, 0));
`;

it("refuses system calls that work outside without any right, and none that a build needs", async () => {
  const numbers = Object.fromEntries(
    Object.entries({ ...refusedCalls, ...unknownCalls, ...judgedCalls }).map(([name, row]) => [
      name,
      row[process.arch as "x64" | "arm64"] ?? 0,
    ]),
  );
  const script = oddCalls(numbers);
  const asNobody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"];
  const outside = execFileSync(asNobody[0] ?? "", [...asNobody.slice(1), "perl", "-e", script]);
  expect(resultsIn(outside.toString())).toEqual({
    keyctl: 0,
    personality: 0,
    name_to_handle_at: 0,
    process_vm_readv: 0,
    ptrace: 0,
    "shared memory": 0,
    "memory file": 0,
    "control shared memory": 0,
    netlink: 0,
    "alg or vsock": 0,
    "control socket": 0,
    "control interfaces": 0,
  });
  await using opened = await openSandbox();
  await using job = await opened.sandbox.open({ name: "calls", slot: 63 });
  const within = await inside(job, ["perl", "-e", script]);
  expect(resultsIn(within.output)).toEqual({
    keyctl: 1,
    personality: 1,
    name_to_handle_at: 1,
    process_vm_readv: 1,
    ptrace: 1,
    "shared memory": 1,
    "memory file": 38,
    "control shared memory": 0,
    netlink: 97,
    "alg or vsock": 97,
    "control socket": 0,
    "control interfaces": 0,
  });
  // What programs notice: threads, children, workers, the list of interfaces.
  const busy = `
    const { Worker } = require("node:worker_threads");
    require("node:os").networkInterfaces();
    require("node:child_process").execSync("true | cat");
    new Worker("process.exit(0)", { eval: true }).on("exit", () => console.log("works"));`;
  expect((await insideNode(job, busy)).output).toBe("works\n");
});

function resultsIn(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/^(.+) (\d+)$/gm)].map(([, name, error]) => [name, Number(error)]));
}

it("says how to install bubblewrap where it is missing (cli: no bubblewrap)", async () => {
  await using opened = await openSandbox();
  const sandbox = bubblewrap({
    uidFolder: machineUidFolder,
    rootFolder: opened.rootFolder,
    userId: process.getuid?.() ?? 0,
    nodePath: process.execPath,
    npmFolder: null,
    bwrapPath: "/nowhere/bwrap",
  });
  await expect(sandbox.probe()).rejects.toMatchObject({
    code: "sandbox_unavailable",
    next: expect.stringContaining("apt-get install -y bubblewrap"),
  });
});

it("runs each job as a user of its own, which sees no other job's folder", async () => {
  await using opened = await openSandbox();
  await using first = await opened.sandbox.open({ name: "one", slot: 60 });
  await using second = await opened.sandbox.open({ name: "two", slot: 60 });
  const owners = await Promise.all([first, second].map(async (job) => (await stat(job.treeFolder)).uid));
  if (process.getuid?.() === 0) expect(new Set(owners).size).toBe(2);
  expect((await stat(first.treeFolder)).mode & 0o077).toBe(0);
  expect((await inside(second, ["ls", first.treeFolder])).errors).toMatch(/No such file/);
});

it("has npm inside when there is one", async () => {
  const npmFolder = await findNpm({
    nodePath: process.execPath,
    searchPath: "/usr/local/bin:/usr/bin",
  });
  expect(npmFolder).not.toBeNull();
  await using opened = await openSandbox({ npmFolder });
  await using job = await opened.sandbox.open({ name: "npm", slot: 61 });
  expect((await inside(job, ["npm", "--version"])).output).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it("removes what a killed worker left behind, and leaves a living one's jobs alone (case 41)", async () => {
  await using opened = await openSandbox();
  await using mine = await opened.sandbox.open({ name: "mine", slot: 70 });
  const mark = `orphan-${process.pid}-${Math.trunc(performance.now())}`;
  const worker = holdSandbox(opened.rootFolder, mark);
  await once(worker.stdout, "data");
  expect(running(mark)).toBeGreaterThan(0);
  expect(await readdir(join(opened.rootFolder, "jobs"))).toHaveLength(2);
  // Its layer is written to, and is mounted nowhere that could stay.
  const held = (await readdir(join(opened.rootFolder, "jobs"))).find((name) => name.startsWith("held.")) ?? "";
  expect(await readFile(join(opened.rootFolder, "jobs", held, "layers/0/upper/written"), "utf8")).toBe("yes\n");

  const ended = once(worker, "exit");
  worker.kill("SIGKILL");
  await ended;
  await until(() => running(mark) === 0); // with its worker ends what it started
  expect(await readFile("/proc/self/mounts", "utf8")).not.toContain(opened.rootFolder);
  expect((await opened.sandbox.sweep()).removed).toHaveLength(2);
  expect(await readdir(join(opened.rootFolder, "jobs"))).toHaveLength(1);
  expect(await readdir(mine.treeFolder)).toEqual([]);
});

it("leaves no process and no open stream when it is stopped, at whatever moment of its start", async () => {
  await using opened = await openSandbox();
  await using job = await opened.sandbox.open({ name: "stopped", slot: 71 });
  const mark = `stopped-${process.pid}-${Math.trunc(performance.now())}`;
  for (let start = 0; start < 160; start += 1) {
    const stop = new AbortController();
    const ended = inside(job, ["sh", "-c", "sleep 60", mark], { signal: stop.signal });
    await pause((start % 40) / 2);
    stop.abort(new Error("not wanted any more"));
    // With its streams: one that a forgotten process holds never ends.
    expect((await ended).end).toMatchObject({ exitCode: null, by: "signal" });
  }
  await until(() => running(mark) === 0);
});

it("gives two workers with different root folders different uids for the same slot", async () => {
  await using here = await openSandbox();
  await using there = await openSandbox();
  await using first = await here.sandbox.open({ name: "one", slot: 62 });
  await using second = await there.sandbox.open({ name: "two", slot: 62 });
  const owners = await Promise.all([first, second].map(async (job) => (await stat(job.treeFolder)).uid));
  expect(new Set(owners).size).toBe(process.getuid?.() === 0 ? 2 : 1);
});

it("ends no process of a worker with another root folder when it sweeps", async () => {
  await using here = await openSandbox();
  await using there = await openSandbox();
  const at = `${process.pid}-${Math.trunc(performance.now())}`;
  const [deadMark, livingMark] = [`dead-${at}`, `living-${at}`];
  const worker = holdSandbox(here.rootFolder, deadMark);
  await once(worker.stdout, "data");
  const ended = once(worker, "exit");
  worker.kill("SIGKILL");
  await ended;

  // The dead worker's uid is free now, and the next one to ask for its slot takes it.
  const other = holdSandbox(there.rootFolder, livingMark);
  await once(other.stdout, "data");
  const [held = ""] = await readdir(join(there.rootFolder, "jobs"));
  const { uid } = await stat(join(there.rootFolder, "jobs", held));
  expect((await here.sandbox.sweep()).removed).toHaveLength(2);
  await until(() => running(deadMark) === 0);
  expect(processesOf(uid)).not.toEqual([]);
  const otherEnded = once(other, "exit");
  other.kill("SIGKILL");
  await otherEnded;
  await until(() => running(livingMark) === 0);
  expect((await there.sandbox.sweep()).removed).toHaveLength(2);
});

it("keeps its folders below /var/lib for root, below the user's own state for others", () => {
  expect(sandboxRootFor({ userId: 0, stateHome: "/root/.local/state" })).toBe("/var/lib/feedback-chat");
  expect(sandboxRootFor({ userId: 1000, stateHome: "/home/a/.local/state" })).toBe(
    "/home/a/.local/state/feedback-chat/sandbox",
  );
});

it("has writable cache folders where the kernel has no overlays, and says so", async () => {
  const why = "mount: unknown filesystem type 'overlay'";
  const layering = { find: async () => ({ way: "caches", why }) as const, told: async () => why };
  await using opened = await openSandbox({ layering });
  await using owner = await opened.sandbox.open({ name: "layer", slot: 66 });
  const host = join(owner.treeFolder, "node_modules");
  for (const name of [".vite", ".tmp", ".prisma/client", "pkg"]) await mkdir(join(host, name), { recursive: true });
  await owner.own(owner.treeFolder);
  await using user = await opened.sandbox.open({ name: "uses", slot: 66, userOf: owner });
  const layers = [{ host, inside: "/work/node_modules" }];
  const write = "cd node_modules; for f in .vite .tmp .prisma pkg .; do echo x > $f/new && echo $f; done";
  const { output, errors } = await inside(user, ["sh", "-c", write], { layers });
  expect(output).toBe(".vite\n.tmp\n");
  // What an install left in a cache folder stays to be seen.
  expect(errors.match(/Read-only file system/g)).toHaveLength(3);
  expect(await readdir(join(host, ".vite"))).toEqual([]);
  expect((await inside(user, ["sh", "-c", "cat node_modules/.vite/new"], { layers })).output).toBe("x\n");
});
