import { chmod, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bubblewrap, machineUidFolder } from "../src/sandboxes/bubblewrap.ts";
import { requireWalls, selfTest } from "../src/sandboxes/self-test.ts";
import { wallsFailed } from "../src/sandboxes/run-inside.ts";
import type { Sandbox, SandboxSpec } from "../src/ports/sandbox.ts";
import { openSandbox } from "./open-sandbox.ts";

it("passes every probe on a machine whose walls hold (case 18)", async () => {
  await using opened = await openSandbox();
  const test = await selfTest({ sandbox: opened.sandbox, tempFolder: tmpdir(), engine: null });
  expect(test.probes.filter(({ status }) => status === "fail")).toEqual([]);
  expect(test.probes.filter(({ status }) => status === "pass").length).toBeGreaterThanOrEqual(19);
  expect(() => requireWalls(test)).not.toThrow();
});

/** The same sandbox with a hole that somebody's change might make. */
function leaky(sandbox: Sandbox, leak: (spec: SandboxSpec) => Partial<SandboxSpec>): Sandbox {
  return {
    ...sandbox,
    probe: sandbox.probe,
    async open(job) {
      const opened = await sandbox.open(job);
      return {
        ...opened,
        run: (spec) => opened.run({ ...spec, ...leak(spec) }),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    },
  };
}

it.each([
  [
    "a mount of the host's folder",
    "other_job",
    (root: string) => () => ({ readOnlyMounts: [{ host: root, inside: root }] }),
    "bubblewrap",
  ],
  [
    "a variable too many",
    "environment",
    () => (spec: SandboxSpec) => ({ env: { ...spec.env, LEAKED: "1" } }),
    "container",
  ],
])("takes no job behind %s, and says what to do (case 21)", async (_name, id, leak, mechanism) => {
  await using opened = await openSandbox();
  const told = { ...opened.sandbox, probe: async () => ({ ...(await opened.sandbox.probe()), mechanism }) };
  const test = await selfTest({
    sandbox: leaky(told, leak(opened.rootFolder)),
    tempFolder: tmpdir(),
    engine: null,
  });
  expect(test.ok).toBe(false);
  const probe = test.probes.find((row) => row.id === id);
  expect(probe?.status).toBe("fail");
  // Of the walls that stand here, not of the other ones.
  expect(probe?.remedy).toContain(mechanism === "container" ? "podman is 4.3" : "bubblewrap is 0.8");
  expect(() => requireWalls(test)).toThrow(expect.objectContaining({ code: "sandbox_leaks" }));
});

it("says that there are no user namespaces, and how to get them (case 21)", () => {
  expect(
    wallsFailed(
      "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.",
      1,
    ),
  ).toMatchObject({
    code: "sandbox_unavailable",
    next: expect.stringContaining("unprivileged_userns_clone"),
  });
  expect(wallsFailed("bwrap: setting up uid map: Permission denied", 1).next).toContain("AppArmor");
  expect(wallsFailed("bwrap: Creating new namespace failed: No space left on device", 1).next).toContain(
    "max_user_namespaces",
  );
});

it.each([
  ["bwrap: No permissions to create new namespace", "unprivileged_userns_clone"],
  ["bwrap: Creating new namespace failed: No space left on device", "max_user_namespaces"],
  [
    "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)",
    "max_user_namespaces",
  ],
])("turns what bwrap says into a remedy: %s", async (said, remedy) => {
  await using opened = await openSandbox();
  const bwrapPath = join(opened.rootFolder, "bwrap");
  await writeFile(
    bwrapPath,
    `#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit 0\necho "${said}" >&2\nexit 1\n`,
  );
  await chmod(bwrapPath, 0o755);
  await chmod(opened.rootFolder, 0o755);
  const sandbox = bubblewrap({
    uidFolder: machineUidFolder,
    rootFolder: opened.rootFolder,
    userId: process.getuid?.() ?? 0,
    nodePath: process.execPath,
    npmFolder: null,
    bwrapPath,
  });
  await expect(selfTest({ sandbox, tempFolder: tmpdir(), engine: null })).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringContaining(said),
    next: expect.stringContaining(remedy),
  });
});

it("is stopped before the test by a machine without walls", async () => {
  await using opened = await openSandbox();
  const sandbox = bubblewrap({
    uidFolder: machineUidFolder,
    rootFolder: opened.rootFolder,
    userId: process.getuid?.() ?? 0,
    nodePath: process.execPath,
    npmFolder: null,
    bwrapPath: "/nowhere/bwrap",
  });
  await expect(selfTest({ sandbox, tempFolder: tmpdir(), engine: null })).rejects.toMatchObject({
    code: "sandbox_unavailable",
  });
});
