import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SandboxJob } from "../../src/ports/sandbox.ts";
import { layerContract, type OpenSandbox } from "./layers.ts";
import { inside, insideNode, limits, until } from "../open-sandbox.ts";

/** What every implementation of the sandbox owes, whatever it is made of. */
export function sandboxContract(name: string, open: OpenSandbox): void {
  layerContract(name, open);
  describe(name, () => {
    let opened: Awaited<ReturnType<OpenSandbox>>;
    let job: SandboxJob;
    beforeAll(async () => {
      opened = await open();
      job = await opened.sandbox.open({ name: "contract", slot: 40 });
    });
    afterAll(async () => {
      await job[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    });

    it("names its mechanism and an unprivileged user", async () => {
      const facts = await opened.sandbox.probe();
      expect(facts.version).toMatch(/^\d/);
      expect(facts.runsAs).not.toBe(0);
    });

    it("gives the exit code and both streams as they are", async () => {
      const { output, errors, end } = await inside(job, ["sh", "-c", "echo out; echo err >&2; exit 3"]);
      expect([output, errors]).toEqual(["out\n", "err\n"]);
      expect(end).toMatchObject({ exitCode: 3, by: "exit" });
    });

    it("says 127 for a program that is not there: the walls stood", async () => {
      expect((await inside(job, ["no-such-program"])).end).toMatchObject({
        exitCode: 127,
        by: "exit",
      });
    });

    it("writes stdin and ends it", async () => {
      expect((await inside(job, ["cat"], { stdin: "x".repeat(200_000) })).output).toHaveLength(200_000);
    });

    it("has Node as it runs us, for node --test and package scripts", async () => {
      await writeFile(
        join(job.treeFolder, "sum.test.js"),
        `require("node:test").test("adds", () => require("node:assert").equal(1 + 1, 2));`,
      );
      const { output, end } = await inside(job, ["node", "--test"]);
      expect(output).toMatch(/pass 1/);
      expect(end.exitCode).toBe(0);
      expect((await inside(job, ["node", "-v"])).output.trim()).toBe(process.version);
    });

    it("gives the command its own environment and nothing of ours", async () => {
      const { output } = await inside(job, ["env"], { env: { GIVEN: "yes" } });
      const names = output
        .trim()
        .split("\n")
        .map((line) => line.split("=")[0]);
      expect(names.toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
        "GIVEN",
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "TMPDIR",
      ]);
    });

    it("keeps what is written to the tree, and forgets HOME and tmp", async () => {
      await inside(job, ["sh", "-c", "echo kept > kept; echo gone > ~/gone; echo gone > /tmp/gone"]);
      expect(await readFile(join(job.treeFolder, "kept"), "utf8")).toBe("kept\n");
      expect((await inside(job, ["sh", "-c", "ls -A ~ /tmp"])).output).not.toContain("gone");
    });

    it("can show the tree read-only", async () => {
      const { end, errors } = await inside(job, ["sh", "-c", "echo x > new"], {
        isTreeReadOnly: true,
      });
      expect(end.exitCode).not.toBe(0);
      expect(errors).toMatch(/Read-only/i);
    });

    it("replaces what an earlier run left under a task file's name, and never follows it", async () => {
      const host = join(job.treeFolder, "..", "host-file");
      await writeFile(host, "host");
      const dig = "cd /task/folder; i=0; while [ $i -lt 30 ]; do mkdir $0 && cd -P ./$0 || exit 1; i=$((i+1)); done";
      await inside(job, ["sh", "-c", `mkdir /task/folder; ln -s ${host} /task/link; ${dig}`, "d".repeat(200)]);
      for (const file of ["folder", "link", "plain"]) await job.writeTask(file, `new ${file}`);
      expect(await readFile(host, "utf8")).toBe("host");
      expect((await inside(job, ["cat", "/task/folder", "/task/link", "/task/plain"])).output).toBe(
        "new foldernew linknew plain",
      );
    });

    it("reads only regular files that the run left, and only small ones", async () => {
      await inside(job, [
        "sh",
        "-c",
        "echo good > /task/good; ln -s /etc/passwd /task/shadow; mkfifo /task/pipe; head -c 2000 /dev/zero > /task/big",
      ]);
      expect(Buffer.from((await job.readTask("good", 1_000)) ?? []).toString()).toBe("good\n");
      for (const name of ["shadow", "pipe", "big", "missing"]) expect(await job.readTask(name, 1_000)).toBeNull();
    });

    it("ends everything inside in 2 seconds when it is stopped: double forks, new sessions, deaf ones (case 19)", async () => {
      const stop = new AbortController();
      const mark = `deaf-${process.pid}-${performance.now()}`;
      const daemon = `trap '' TERM HUP INT; echo up >> ready; while :; do sleep 0.1; done # ${mark}`;
      const started = inside(
        job,
        ["sh", "-c", `setsid sh -c '(setsid sh -c "$0" &)' "$1"; exec sh -c "$1"`, "sh", daemon],
        { signal: stop.signal },
      );
      await until(async () => (await readFile(join(job.treeFolder, "ready"), "utf8").catch(() => "")).length >= 6);
      expect(running(mark)).toBeGreaterThan(1);
      const from = performance.now();
      stop.abort(new Error("cancelled"));
      expect((await started).end).toEqual({ exitCode: null, by: "signal", detail: "cancelled" });
      expect(performance.now() - from).toBeLessThan(2_000);
      expect(running(mark)).toBe(0);
    });

    it("leaves nothing behind when the command ends by itself", async () => {
      const mark = `left-${process.pid}-${performance.now()}`;
      await inside(job, [
        "sh",
        "-c",
        `setsid sh -c 'echo up > up; sleep 60 # '"$0" & while [ ! -s up ]; do :; done`,
        mark,
      ]);
      expect(await readFile(join(job.treeFolder, "up"), "utf8")).toBe("up\n");
      expect(running(mark)).toBe(0);
    });

    it("ends a command at its time", async () => {
      const { end } = await inside(job, ["sleep", "60"], {
        limits: { ...limits, wallSeconds: 0.5 },
      });
      expect(end).toMatchObject({ exitCode: null, by: "time" });
    });

    it.each([
      ["memory", `const all = []; setInterval(() => all.push(Buffer.alloc(40e6, 1)), 20);`],
      [
        "processes",
        `const { spawn } = require("node:child_process"); setInterval(() => { for (let n = 0; n < 20; n++) spawn("sleep", ["30"]).on("error", () => {}); }, 10);`,
      ],
      [
        "disk",
        `const fs = require("node:fs"); const block = Buffer.alloc(1e6); let n = 0; setInterval(() => { try { for (let i = 0; i < 8; i++) fs.writeFileSync("/tmp/f" + n++, block); } catch {} }, 20);`,
      ],
      [
        "disk",
        `const fs = require("node:fs"); const block = Buffer.alloc(4e6, 1); let n = 0; setInterval(() => fs.writeFileSync("/work/fill" + n++, block), 5);`,
      ],
      [
        "disk",
        `const fs = require("node:fs"); const block = Buffer.alloc(4e6, 1); let n = 0; setInterval(() => fs.writeFileSync("/task/fill" + n++, block), 5);`,
      ],
      [
        "files",
        `const fs = require("node:fs"); let n = 0; setInterval(() => { for (let i = 0; i < 400; i++) fs.writeFileSync("/work/f" + n++, ""); }, 5);`,
      ],
    ])("ends what uses up %s, and says so (case 20)", async (what, script) => {
      const { end } = await insideNode(job, script, {
        limits: { ...limits, memoryBytes: 400e6, treeBytes: 64e6, treeFiles: 4_000 },
      });
      expect(end).toMatchObject({ exitCode: null, by: "resources" });
      expect(end.detail).toContain(what);
    });

    it("lets no file grow over its limit", async () => {
      const { end } = await inside(job, ["sh", "-c", "exec head -c 3000000 /dev/zero > big"], {
        limits: { ...limits, fileBytes: 1e6 },
      });
      expect(end).toMatchObject({ by: "resources" });
    });

    it("closes with what still runs, and takes its folders with it however deep they are", async () => {
      const closing = await opened.sandbox.open({ name: "closing", slot: 41 });
      await inside(closing, [
        "sh",
        "-c",
        "mkdir -p locked/x; chmod 0 locked; i=0; while [ $i -lt 300 ]; do mkdir deeeeeeeeeeeeeeeeeeeeeeeeeep && cd deeeeeeeeeeeeeeeeeeeeeeeeeep || exit 1; i=$((i+1)); done",
      ]);
      const running_ = inside(closing, ["sleep", "60"]);
      await closing[Symbol.asyncDispose]();
      expect((await running_).end.by).toBe("signal");
      for (const folder of [closing.treeFolder, closing.socketFolder])
        await expect(readdir(folder)).rejects.toMatchObject({ code: "ENOENT" });
    });

    it("follows no link when it gives the tree to the sandbox's user", async () => {
      const owning = await opened.sandbox.open({ name: "owning", slot: 42 });
      await symlink("/etc/hostname", join(owning.treeFolder, "link"));
      await mkdir(join(owning.treeFolder, "folder"));
      await owning.own(owning.treeFolder);
      expect((await inside(owning, ["sh", "-c", "touch folder/mine && rm link && echo ok"])).output).toBe("ok\n");
      await owning[Symbol.asyncDispose]();
    });
  });
}

/** Processes of this machine whose arguments hold a word. */
export function running(mark: string): number {
  return readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandOf(pid).includes(mark)).length;
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}
