import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { machineUidFolder } from "../src/sandboxes/bubblewrap.ts";
import { podman } from "../src/sandboxes/podman.ts";
import { sweepRuns } from "../src/sandboxes/run-in-container.ts";
import { running } from "./contracts/sandbox.ts";
import { holdSandbox, inside, until } from "./open-sandbox.ts";

/** The adapter on a program in podman's place. */
async function openOn(script: string) {
  const rootFolder = await mkdtemp("/tmp/fc-");
  await chmod(rootFolder, 0o711);
  const podmanPath = join(rootFolder, "podman");
  await writeFile(podmanPath, `#!/bin/sh\n[ "$1" = --version ] && { echo podman version 4.3.1; exit 0; }\n${script}\n`);
  await chmod(podmanPath, 0o755);
  const deps = { rootFolder, userId: process.getuid?.() ?? 0, nodePath: process.execPath, npmFolder: null };
  return {
    rootFolder,
    podmanPath,
    sandbox: podman({ ...deps, podmanPath, uidFolder: machineUidFolder }),
    [Symbol.asyncDispose]: () => rm(rootFolder, { recursive: true, force: true }),
  };
}

/** Starts the command in its folder and tells its number, as podman would; it builds no wall but what is asked. */
const startsBy = (walls: string) => `
for one; do case "$one" in
  --pidfile=*) pid="\${one#*=}" ;;
  --volume=*:/work:*) tree="\${one#*=}"; tree="\${tree%%:*}" ;;
esac; done
while [ "$1" != --rootfs ]; do shift; done
shift 2
cd "$tree"
exec 3<&0
${walls} "$@" <&3 3<&- &
echo $! > "$pid.new"; mv "$pid.new" "$pid"
wait $!`;
const withoutWalls = startsBy("");

const refusals: [string, string, RegExp, RegExp][] = [
  ["cannot work with control groups", "echo 'Error: crun: unified cgroup is missing' >&2; exit 126", /cgroup/, /bubblewrap/],
  ["may make no user namespace", "echo 'cannot clone: Operation not permitted' >&2; exit 125", /clone/, /userns/],
]; // prettier-ignore
it.each(refusals)("says why it cannot hold where podman %s", async (_why, script, message, next) => {
  await using opened = await openOn(script);
  await expect(opened.sandbox.probe()).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringMatching(message),
    next: expect.stringMatching(next),
  });
  expect((await readdir("/tmp")).filter((name) => name.startsWith(`fc-podman.${process.pid}.`))).toEqual([]);
});

it.each([
  ["is missing", null, /not installed/],
  ["is too old", "podman version 3.4.4", /older than 4\.0/],
])("says so where podman %s", async (_why, version, message) => {
  await using opened = await openOn("");
  if (version === null) await rm(opened.podmanPath);
  else await writeFile(opened.podmanPath, `#!/bin/sh\necho ${version}\n`);
  await expect(opened.sandbox.probe()).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringMatching(message),
    next: expect.stringMatching(/apt-get install/),
  });
});

it("leaves no folder of a podman that cannot be started", async () => {
  await using opened = await openOn("");
  const deps = {
    rootFolder: opened.rootFolder,
    nodePath: process.execPath,
    npmFolder: null,
    uidFolder: machineUidFolder,
  };
  // Not as root: there another program starts it.
  const sandbox = podman({ ...deps, userId: process.getuid?.() || 12_345, podmanPath: "/nowhere/podman" });
  await using job = await sandbox.open({ name: "none", slot: 61 });
  await expect(inside(job, ["true"])).rejects.toMatchObject({ code: "sandbox_unavailable" });
  expect((await readdir("/tmp")).filter((name) => name.startsWith(`fc-podman.${process.pid}.`))).toEqual([]);
});

it("follows what runs to its end: exit code, both streams, and the whole tree of processes on a signal", async () => {
  await using opened = await openOn(withoutWalls);
  await using job = await opened.sandbox.open({ name: "one", slot: 60 });
  const { output, errors, end } = await inside(job, ["sh", "-c", "cat; echo err >&2; exit 3"], { stdin: "in" });
  expect([output, errors, end]).toEqual(["in", "err\n", { exitCode: 3, by: "exit", detail: "exit code 3" }]);
  const stop = new AbortController();
  const run = job.run({
    argv: ["sh", "-c", "echo up; sleep 60"],
    env: {},
    stdin: "",
    readOnlyMounts: [],
    limits: { wallSeconds: 30, memoryBytes: 1e9, processes: 256, fileBytes: 1e6, scratchBytes: 8e6 },
    signal: stop.signal,
  });
  for await (const _up of run.stdout) break;
  stop.abort(new Error("cancelled"));
  expect(await run.ended).toEqual({ exitCode: null, by: "signal", detail: "cancelled" });
});

it("ends what a killed worker's containers left running, and nothing of a living worker's (case 41)", async () => {
  await using opened = await openOn(startsBy("unshare --user --map-root-user --pid --fork --kill-child"));
  const at = `${process.pid}-${Math.trunc(performance.now())}`;
  const marks = { dead: `dead-${at}`, living: `living-${at}` };
  const hold = (mark: string) => holdSandbox(opened.rootFolder, mark, opened.podmanPath);
  const [dead, living] = [hold(marks.dead), hold(marks.living)];
  await Promise.all([once(dead.stdout, "data"), once(living.stdout, "data")]);
  const kill = async (worker: typeof dead) => {
    const ended = once(worker, "exit");
    worker.kill("SIGKILL");
    await ended;
  };
  const runsOf = async ({ pid }: typeof dead) =>
    (await readdir("/tmp")).filter((name) => name.startsWith(`fc-podman.${pid}.`));
  const [left = "none"] = await runsOf(dead);

  await kill(dead);
  expect(running(marks.dead)).toBeGreaterThan(1); // unlike behind bubblewrap
  const user = { userId: process.getuid?.() ?? 0 };
  expect(await sweepRuns(user)).toContain(`/tmp/${left}`);
  await until(() => running(marks.dead) === 0);
  expect(await runsOf(dead)).toEqual([]);
  expect(await runsOf(living)).toHaveLength(1);
  expect(running(marks.living)).toBeGreaterThan(1);

  await kill(living);
  await opened.sandbox.sweep();
  await until(() => running(marks.living) === 0);
  expect(await runsOf(living)).toEqual([]);
  expect(await readdir(`${opened.rootFolder}/jobs`)).toEqual([]);
});
