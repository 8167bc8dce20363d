import { describe, expect, it } from "vitest";
import {
  insideCommand,
  podmanArguments,
  podmanConfig,
  podmanEnvironment,
  type PodmanWalls,
} from "./podman-arguments.ts";

const walls: PodmanWalls = {
  system: [
    { path: "/usr", linkTo: null },
    { path: "/bin", linkTo: "usr/bin" },
  ],
  etc: [{ host: "/data/tools/etc-1/passwd", inside: "/etc/passwd" }],
  tree: { host: "/data/jobs/one/tree", isReadOnly: false },
  taskFolder: "/data/jobs/one/task",
  socketFolder: "/data/s/one",
  layers: [],
  readOnlyMounts: [{ host: "/data/tools/node", inside: "/opt/node" }],
  scratchBytes: 64_000_000,
  workingFolder: "/work",
  env: { PATH: "/usr/bin", HOME: "/home/agent", TOKEN: "secret-value" },
  limits: { processes: 256, fileBytes: 64_000_000, wallSeconds: 20 },
  files: {
    rootfs: "/data/jobs/one/container/rootfs",
    storeFolder: "/data/jobs/one/container/store",
    runtimeFolder: "/data/jobs/one/container/run",
    configFile: "/data/jobs/one/container/containers.conf",
    seccompFile: "/data/jobs/one/container/seccomp.json",
    envFile: "/data/jobs/one/container/env",
    pidFile: "/data/jobs/one/container/pid",
  },
};
const all = podmanArguments(walls);
const volumesOf = (args: string[]) =>
  args
    .filter((one) => one.startsWith("--volume="))
    .map((one) => one.slice("--volume=".length).split(":") as [host: string, inside: string, options: string]);

/** Each wall, and the flag that is it. */
const wallFlags: [wall: string, flag: string][] = [
  ["no network", "--network=none"],
  ["processes of its own", "--pid=private"],
  ["shared memory and queues of its own", "--ipc=private"],
  ["a host name of its own", "--uts=private"],
  ["a name that tells nothing", "--hostname=sandbox"],
  ["the user inside is the one unprivileged user outside", "--uidmap=1000:0:1"],
  ["and so is the group", "--gidmap=1000:0:1"],
  ["no root inside", "--user=1000:1000"],
  ["no capability", "--cap-drop=all"],
  ["none can be gained", "--security-opt=no-new-privileges"],
  ["the filter of system calls", "--security-opt=seccomp=/data/jobs/one/container/seccomp.json"],
  ["nothing of the machine's devices", "--security-opt=mask=/sys"],
  ["the root is read-only", "--read-only"],
  ["with no writable folder but ours", "--read-only-tmpfs=false"],
  ["/dev cannot be filled", "--tmpfs=/dev:ro,size=64k,mode=755"],
  ["shared memory has an end", "--shm-size=32000000b"],
  ["tmp has an end", "--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=32000000"],
  ["HOME is its own and has an end", "--tmpfs=/home/agent:rw,exec,nosuid,nodev,mode=0700,size=32000000"],
  ["no variable of the engine's", "--unsetenv-all"],
  ["no proxy of the host's", "--http-proxy=false"],
  ["no names of the host's", "--no-hosts"],
  ["variables are not on the command line", "--env-file=/data/jobs/one/container/env"],
  ["no image is fetched", "--pull=never"],
  ["no log but ours", "--log-driver=none"],
  ["nothing stays", "--rm"],
  ["an end of its own, should the worker be killed", "--timeout=25"],
  ["no core dumps", "--ulimit=core=0:0"],
  ["a file has an end", "--ulimit=fsize=64000000:64000000"],
  ["processes have an end", "--ulimit=nproc=256:256"],
  ["processor time has an end", "--ulimit=cpu=80:80"],
  ["open files have an end", "--ulimit=nofile=1024:4096"],
  ["the state is the job's own", "--root=/data/jobs/one/container/store"],
  ["and so is the state of what runs", "--runroot=/data/jobs/one/container/run/root"],
  ["its first process can be ended", "--pidfile=/data/jobs/one/container/pid"],
];

describe("the walls as podman's arguments", () => {
  it.each(wallFlags)("%s: %s", (_wall, flag) => {
    expect(all.filter((one) => one === flag)).toHaveLength(1);
  });

  it("say nothing twice, and nothing that this table does not know", () => {
    const known = new Set(wallFlags.map(([, flag]) => flag));
    const others = all.filter((one) => !known.has(one) && !one.startsWith("--volume="));
    expect(others).toEqual([
      "--log-level=fatal",
      "--cgroup-manager=cgroupfs",
      "--storage-driver=vfs",
      "--tmpdir=/data/jobs/one/container/run/tmp",
      "run",
      "--interactive",
      "--cgroups=disabled",
      "--workdir=/work",
      "--rootfs",
      "/data/jobs/one/container/rootfs",
    ]);
    expect(new Set(all).size).toBe(all.length);
  });

  it("lay an overlay of the job's own over a layer", () => {
    const over = (name: string) => `/data/jobs/one/layers/0/${name}`;
    const overlay = { upper: over("upper"), work: over("work"), merged: over("merged") };
    const layer = {
      number: 0,
      host: "/data/jobs/deps/tree/node_modules",
      inside: "/work/node_modules",
      overlay,
      caches: [],
    };
    expect(volumesOf(podmanArguments({ ...walls, layers: [layer] }))).toContainEqual([
      "/data/jobs/deps/tree/node_modules",
      "/work/node_modules",
      "O,upperdir=/data/jobs/one/layers/0/upper,workdir=/data/jobs/one/layers/0/work",
    ]);
    const odd = { ...layer, host: "/data/a,b/node_modules" };
    expect(() => podmanArguments({ ...walls, layers: [odd] })).toThrow(RangeError);
  });

  it("mount what is named, read-only but for the tree and the task, and nothing that is mounted below it", () => {
    const readOnly = "ro,bind,private,nosuid,nodev";
    expect(volumesOf(all)).toEqual([
      ["/usr", "/usr", readOnly],
      ["/data/tools/etc-1/passwd", "/etc/passwd", readOnly],
      ["/data/jobs/one/tree", "/work", "rw,bind,private,nosuid,nodev"],
      ["/data/jobs/one/task", "/task", "rw,bind,private,nosuid,nodev"],
      ["/data/s/one", "/run/feedback-chat", readOnly],
      ["/data/tools/node", "/opt/node", readOnly],
    ]);
  });

  it("mount no host path twice, no socket of an engine's, no /run, no home and nothing of podman's own", () => {
    const hosts = volumesOf(all).map(([host]) => host);
    expect(new Set(hosts).size).toBe(hosts.length);
    for (const host of hosts)
      expect(host).not.toMatch(/^\/(run|var\/run|home|root|proc|sys|dev)(\/|$)|\.sock$|\/container(\/|$)|^\/$/);
    expect(all.join(" ")).not.toMatch(/privileged|--device|--cap-add|--pod|--ipc=host|--userns=host|unconfined|--env=/);
  });

  it("show the tree read-only when asked, and no socket where none is wanted", () => {
    const closed = podmanArguments({ ...walls, tree: { ...walls.tree, isReadOnly: true }, socketFolder: null });
    expect(volumesOf(closed).find(([, inside]) => inside === "/work")?.[2]).toMatch(/^ro,/);
    expect(volumesOf(closed).map(([, inside]) => inside)).not.toContain("/run/feedback-chat");
  });

  it("carry no variable and no value of one", () => {
    expect(all.join("\n")).not.toMatch(/secret-value|TOKEN/);
  });

  it.each(["/data/a:b", "relative/path", ""])("refuse a path that would be read as another: %j", (host) => {
    expect(() => podmanArguments({ ...walls, tree: { host, isReadOnly: true } })).toThrow(RangeError);
  });
});

describe("what podman reads beside its arguments", () => {
  it("has each variable on a line of its own", () => {
    expect(podmanEnvironment(walls.env)).toBe("PATH=/usr/bin\nHOME=/home/agent\nTOKEN=secret-value\n");
  });

  it.each([
    [{ A: "one\nHOME_TAKEN" }, /more than one line/],
    [{ "A*": "" }, /no name/],
    [{ "#A": "" }, /no name/],
    [{ "A=B": "" }, /no name/],
  ])("refuses variables that would be read as others: %j", (env, why) => {
    expect(() => podmanEnvironment(env)).toThrow(why);
  });

  it("replaces mounts, hooks and variables of the user's own configuration", () => {
    for (const line of ["mounts = []", "volumes = []", "hooks_dir = []", "env_host = false", "default_sysctls = []"])
      expect(podmanConfig.split("\n")).toContain(line);
  });

  it("runs the command below a shell that passes its arguments as they are", () => {
    expect(insideCommand(["echo", "$(id)", "a b"])).toEqual(
      expect.arrayContaining(["/bin/sh", '"$@"; exit "$?"', "echo", "$(id)", "a b"]),
    );
  });
});
