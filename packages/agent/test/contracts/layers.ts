import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox, SandboxJob } from "../../src/ports/sandbox.ts";
import { inside, insideNode, limits, until } from "../open-sandbox.ts";

export type OpenSandbox = () => Promise<{ sandbox: Sandbox } & AsyncDisposable>;

/** What every implementation owes to a layer where the kernel has overlays. */
export function layerContract(name: string, open: OpenSandbox): void {
  describe(`${name}, with a layer`, () => {
    let opened: Awaited<ReturnType<OpenSandbox>>;
    let owner: SandboxJob;
    let layers: { host: string; inside: string }[];
    /** The layer as it was installed: no sandbox may change a byte of it. */
    const packages = { "pkg/index.js": "installed", "pkg/lib/a.js": "a", ".vite/kept": "kept" };
    beforeAll(async () => {
      opened = await open();
      owner = await opened.sandbox.open({ name: "layer", slot: 43 });
      const host = join(owner.treeFolder, "node_modules");
      for (const [path, text] of Object.entries(packages)) {
        await mkdir(dirname(join(host, path)), { recursive: true });
        await writeFile(join(host, path), text);
      }
      await owner.own(owner.treeFolder);
      await chmod(owner.treeFolder, 0o711);
      layers = [{ host, inside: "/work/node_modules" }];
    });
    afterAll(async () => {
      await owner[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    });

    const filesIn = async (folder: string) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
      return Object.fromEntries(
        await Promise.all(files.map(async (file) => [relative(folder, file), await readFile(file, "utf8")])),
      );
    };

    it("lets what runs inside write, replace and delete in it, and keeps it as it was installed", async () => {
      await using user = await opened.sandbox.open({ name: "uses", slot: 44, userOf: owner });
      const act = `cd node_modules && echo new > .tmp-file && echo patched >> pkg/index.js && chmod 755 pkg/index.js &&
      rm -r pkg/lib && mkdir pkg/lib && echo b > pkg/lib/b.js && mv .vite/kept .vite/moved && cat pkg/index.js`;
      const { output, errors, end } = await inside(user, ["sh", "-c", act], { layers });
      expect([output, errors, end.exitCode]).toEqual(["installedpatched\n", "", 0]);
      expect(await filesIn(layers[0]!.host)).toEqual(packages);
    });

    it("shows what a job wrote to its later runs, and to no other job", async () => {
      await using first = await opened.sandbox.open({ name: "writes", slot: 44, userOf: owner });
      await using second = await opened.sandbox.open({ name: "reads", slot: 44, userOf: owner });
      await inside(first, ["sh", "-c", "echo cached > node_modules/.vite/cache"], { layers });
      const read = ["sh", "-c", "cat node_modules/pkg/index.js node_modules/.vite/cache"];
      expect((await inside(first, read, { layers })).output).toBe("installedcached\n");
      expect(await inside(second, read, { layers })).toMatchObject({
        output: "installed",
        errors: expect.stringContaining("No such file"),
      });
      // Nothing of it is in the tree that is collected.
      expect(await filesIn(first.treeFolder)).toEqual({});
    });

    it.each([
      ["bytes", "MiB", `fs.writeFileSync("/work/node_modules/fill" + n++, Buffer.alloc(4e6, 1))`],
      ["files", "files", `for (let i = 0; i < 400; i++) fs.writeFileSync("/work/node_modules/f" + n++, "")`],
    ])("counts the %s that are written to it", async (_what, unit, act) => {
      await using user = await opened.sandbox.open({ name: "fills", slot: 44, userOf: owner });
      const script = `const fs = require("node:fs"); let n = 0; setInterval(() => { ${act} }, 5);`;
      const { end } = await insideNode(user, script, {
        layers,
        limits: { ...limits, treeBytes: 64e6, treeFiles: 4_000 },
      });
      expect(end).toMatchObject({ exitCode: null, by: "resources" });
      expect(end.detail).toMatch(new RegExp(`layers grew by .* ${unit}`));
    });

    it("is mounted nowhere on the host, and leaves nothing there", async () => {
      const user = await opened.sandbox.open({ name: "mounts", slot: 44, userOf: owner });
      const jobFolder = dirname(user.treeFolder);
      const running_ = inside(user, ["sh", "-c", "echo up > up; exec sleep 60"], { layers });
      await until(async () => (await readFile(join(user.treeFolder, "up"), "utf8").catch(() => "")) === "up\n");
      expect(await readFile("/proc/self/mounts", "utf8")).not.toContain(jobFolder);
      await user[Symbol.asyncDispose]();
      expect((await running_).end.by).toBe("signal");
      await expect(readdir(jobFolder)).rejects.toMatchObject({ code: "ENOENT" });
    });
  });
}
