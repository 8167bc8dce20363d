import { execFile, execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { editBaseTree, insertEntry, treeEntry } from "../../src/edit-base.ts";
import { type Attack, type AttackOptions, openAttack } from "../../src/open-attack.ts";
import type { LocalRun } from "../../src/read-local-run.ts";
import { hooks, mend, plantConfig, plantHooks } from "./git-plants.ts";

const dataFolder = inject("dataFolder");

/** A folder of the host that anybody may write to, so that a program which runs with any right can leave its name. */
function openCanaries() {
  const parent = mkdtempSync(join(tmpdir(), "feedback-chat-canaries-"));
  const path = join(parent, "canaries");
  mkdirSync(path);
  for (const folder of [parent, path]) chmodSync(folder, 0o777);
  return {
    path,
    fired: () => readdirSync(path).sort(),
    clear: () => {
      for (const name of readdirSync(path)) rmSync(join(path, name));
    },
    /** For what an attack's positive control does in the open. */
    room: (name: string) => {
      const room = join(parent, name);
      mkdirSync(room);
      return room;
    },
    [Symbol.dispose]: () => rmSync(parent, { recursive: true, force: true }),
  };
}

const shell = (cwd: string, script: string, env: Record<string, string> = {}, args: string[] = []) =>
  execFileSync("sh", ["-c", script, "sh", ...args], {
    cwd,
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, GIT_TERMINAL_PROMPT: "0", ...people, ...env },
  });
const people = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.com",
};

/** An agent that needs no model: what it leaves in the tree is the attack. */
const agent = (script: string): Pick<AttackOptions, "engineCommand"> => ({
  engineCommand: ["sh", "-c", `cd /work\n${script}`],
});

function expectPublished(attack: Attack, run: LocalRun): string {
  expect(run.code, run.said).toBe(0);
  expect(attack.pulls()).toHaveLength(1);
  return attack.pulls()[0]?.head ?? "";
}

/** Refused by name, before anything of it is kept or pushed. */
function expectRefused(attack: Attack, run: LocalRun, words: RegExp): void {
  expect(run.result, run.said).toMatchObject({ stage: "failed", reason: "bad_output" });
  expect(run.result?.reasonText).toMatch(words);
  expect(run.code).toBe(1);
  expect(attack.pulls()).toEqual([]);
  expect(attack.refs().filter((ref) => ref.startsWith("refs/heads/feedback/"))).toEqual([]);
}

describe.concurrent("what an agent leaves for git", () => {
  it("case 7: no hook of the agent's repository runs, whatever its name, in either place", async () => {
    using canaries = openCanaries();
    await using attack = await openAttack({ dataFolder, obey: `${plantHooks(canaries.path)}\n${mend}` });
    const run = await attack.run();
    const branch = expectPublished(attack, run);
    expect(attack.git("show", `${branch}:src/cart.js`)).toContain("line.quantity");
    expect(canaries.fired()).toEqual([]);
    // Alive: git that works in such a tree runs them.
    for (const place of ["plain", "elsewhere"]) {
      const room = canaries.room(place);
      shell(room, `${plantHooks(canaries.path)}\necho x > x; git add x; git commit -qm x; git checkout -qb y`, {}, [place]); // prettier-ignore
      expect(canaries.fired()).toEqual(
        expect.arrayContaining(["pre-commit", "post-checkout", "reference-transaction"]),
      );
      expect(canaries.fired().every((name) => hooks.includes(name))).toBe(true);
      canaries.clear();
    }
  });

  it("case 8: no program that the agent's git configuration names is started, and the push goes to GitHub", async () => {
    using canaries = openCanaries();
    const asked: string[] = [];
    const trap = createServer((request, answer) => {
      asked.push(request.url ?? "");
      answer.writeHead(500).end();
    }).listen(0, "127.0.0.1");
    await once(trap, "listening");
    const to = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`;
    const from = "http://127.0.0.1:";
    const plant = plantConfig({ canaries: canaries.path, from, to });
    await using attack = await openAttack({ dataFolder, obey: `${plant}\n${mend}` });
    const run = await attack.run();
    const branch = expectPublished(attack, run);
    expect(attack.refs()).toContain(`refs/heads/${branch}`);
    expect([canaries.fired(), asked]).toEqual([[], []]);

    const room = canaries.room("control");
    writeFileSync(join(canaries.path, "../evil-gpg"), `#!/bin/sh\ntouch ${canaries.path}/gpg\n`, { mode: 0o755 });
    const uses = [
      "git status", "echo a > a; git add a", "git commit -qm a", "git -c commit.gpgSign=false commit -qm a", "echo b >> a; git diff",
      "git diff --no-ext-diff --textconv", "rm a; git checkout a", "git st", "git ls-remote ssh://nowhere.invalid/x",
      "printf 'protocol=https\\nhost=x.invalid\\n\\n' | git credential fill",
    ]; // prettier-ignore
    shell(room, [plant, ...uses.map((use) => `{ ${use}; } || true`)].join("\n"));
    const alive = ["clean", "external", "fsmonitor", "gpg", "helper", "include", "smudge", "sshCommand", "textconv"];
    expect(canaries.fired()).toEqual(expect.arrayContaining(alive));
    // Not in one go with the others: the trap answers from this very process.
    const env = { PATH: process.env["PATH"] ?? "", HOME: room };
    await promisify(execFile)("git", ["ls-remote", `${from}1/x`], { cwd: room, env }).then(
      () => expect.unreachable("the trap is no repository"),
      (error: Error) => expect(error.message).toContain("ls-remote"),
    );
    expect(asked.length).toBeGreaterThan(0);
    trap.close();
  });

  it.each([
    ["deleted", "rm -rf .git"],
    ["a file that points elsewhere", "rm -rf .git; echo 'gitdir: /etc' > .git"],
    ["a link to a folder of the host", "rm -rf .git; ln -s /etc .git"],
    ["an index that skips the change", "git init -q .; git add -A; git update-index --skip-worktree src/cart.js; git update-index --assume-unchanged README.md"], // prettier-ignore
  ])("case 9: the true diff is published when .git is %s", async (_what, script) => {
    await using attack = await openAttack({ dataFolder, ...agent(`${script}\n${mend}`) });
    const run = await attack.run();
    const branch = expectPublished(attack, run);
    expect(attack.git("diff", "--name-only", "main", branch).trim()).toBe("src/cart.js");
    expect(attack.git("ls-tree", "-r", "--name-only", branch)).not.toContain(".git/");
  });

  it("case 10: replacements, grafts and borrowed objects of the agent's making change nothing", async () => {
    using canaries = openCanaries();
    const host = canaries.room("host.git");
    const secret = "bytes that only the host has";
    shell(host, "git init -q --bare .");
    const stolen = execFileSync("git", ["hash-object", "-w", "--stdin"], { cwd: host, input: secret })
      .toString()
      .trim();
    const plant = `
git init -q . && git add -A && git commit -qm base
mkdir -p .git/objects/info .git/info .git/refs/replace
echo "${host}/objects" > .git/objects/info/alternates
echo "$(git rev-parse HEAD) $(git rev-parse HEAD)" > .git/info/grafts
git replace "$(git rev-parse HEAD:src/cart.js)" "$(echo replaced | git hash-object -w --stdin)"`;
    const setUp = `export HOME=/tmp ${Object.entries(people).map(([name, value]) => `${name}=${value}`).join(" ")}`; // prettier-ignore
    await using attack = await openAttack({ dataFolder, ...agent(`${setUp}\n${plant}\n${mend}`) });
    const run = await attack.run();
    const branch = expectPublished(attack, run);
    expect(attack.git("show", `${branch}:src/cart.js`)).toContain("line.quantity");
    for (const [place, text] of Object.entries(attack.places(run))) expect(text.includes(secret), place).toBe(false);
    // Alive: git in such a repository reads the host's object, and the replacement in place of the file.
    const room = canaries.room("control");
    mkdirSync(join(room, "src"));
    writeFileSync(join(room, "src/cart.js"), "true\n");
    shell(room, plant);
    expect(shell(room, `git cat-file blob ${stolen}`)).toBe(secret);
    expect(shell(room, "git cat-file blob HEAD:src/cart.js")).toBe("replaced\n");
  });

  it("case 11: a repository in the repository and .gitmodules are refused by their path", async () => {
    const nested = "git init -q vendor/lib; echo x > vendor/lib/x.js";
    await using inner = await openAttack({ dataFolder, ...agent(`${nested}\n${mend}`) });
    expectRefused(inner, await inner.run(), /vendor\/lib\/\.git/);
    const modules = `printf '[submodule "x"]\\n\\tpath = x\\n\\turl = ../x\\n' > .gitmodules`;
    await using outer = await openAttack({ dataFolder, ...agent(`${modules}\n${mend}`) });
    expectRefused(outer, await outer.run(), /\.gitmodules/);
    // Alive: git would have made a submodule of it.
    using canaries = openCanaries();
    const room = canaries.room("control");
    const commit = "git -C vendor/lib add -A && git -C vendor/lib commit -qm x && git init -q . && git add -A";
    shell(room, `${nested}\n${commit}`);
    expect(shell(room, "git ls-files -s vendor/lib")).toMatch(/^160000 /);
  });

  it("case 12: links to files and folders of the host are refused, and the host's bytes are never read", async () => {
    using canaries = openCanaries();
    const secret = "the host's own bytes 4711";
    writeFileSync(join(canaries.room("host"), "secret.txt"), secret);
    const host = join(canaries.path, "../host");
    const links = `ln -s ${host}/secret.txt stolen.txt; ln -s ${host} folder; rm -rf src; ln -s ${host} src`;
    await using attack = await openAttack({ dataFolder, ...agent(links) });
    const run = await attack.run();
    expectRefused(attack, run, /stolen\.txt/);
    for (const name of ["folder", "src"]) expect(run.result?.reasonText).toContain(name);
    for (const [place, text] of Object.entries(attack.places(run))) expect(text.includes(secret), place).toBe(false);
    // Alive: whoever follows such a link reads it.
    const room = canaries.room("control");
    mkdirSync(join(room, "src"));
    shell(room, links);
    expect(shell(room, "cat stolen.txt folder/secret.txt src/secret.txt")).toBe(secret.repeat(3));
  });

  it.each([
    [".GIT/config", ".GIT"],
    ["git~1/config", "git~1"],
    ["a/.Git/hooks/x", "a/.Git"],
  ])("case 13: the name %s is refused, not silently lost", async (path, refused) => {
    const script = `mkdir -p "$(dirname '${path}')"; echo x > '${path}'\n${mend}`;
    await using attack = await openAttack({ dataFolder, ...agent(script) });
    expectRefused(attack, await attack.run(), new RegExp(`refused: ${refused.replaceAll(".", "\\.")} \\(`));
  });

  it("case 13: a base whose tree climbs out of itself is not cloned, and nothing is written outside", async () => {
    await using attack = await openAttack({ dataFolder, ...agent(mend) });
    const blob = attack.git("rev-parse", "main:README.md").trim();
    const inner = execFileSync("git", ["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], {
      cwd: attack.gitDir,
      input: treeEntry("100644", "climbed.txt", blob),
    });
    const climbing = treeEntry("40000", "..", inner.toString().trim());
    await editBaseTree(attack, (entries) => Buffer.concat([climbing, entries]));
    expect(attack.git("ls-tree", "main")).toContain("\t..\n");
    const run = await attack.run();
    expect(run.code, run.said).toBe(1);
    expect(run.result).toMatchObject({ stage: "failed", prUrl: null });
    expect(run.result?.reasonText).toMatch(/\S{10}/);
    const found = execFileSync("find", [dataFolder, attack.folder, "-name", "climbed.txt"]).toString();
    expect(found).toBe("");
  });

  it("case 14: names that two systems read differently are refused", async () => {
    const names = ["SRC/cart.js", "src/Cart.js", "aux.ts", "a:b", "foo.", "a\\b", "evil\u202etxt.js"];
    const script = names.map((name) => `mkdir -p "$(dirname '${name}')" && printf '%s\\n' x > '${name}'`).join("\n");
    await using attack = await openAttack({ dataFolder, ...agent(`${script}\n${mend}`) });
    const run = await attack.run();
    expectRefused(attack, run, /SRC\/cart\.js/);
    for (const name of ["src/Cart.js", "aux.ts", "a:b", "foo."]) expect(run.result?.reasonText).toContain(name);
    // One line of plain text: what turns the reading direction is not handed on.
    expect(run.said).not.toContain("\u202e");
  });

  it("case 15: the base's Latin-1 names are kept byte for byte, and new ones are refused", async () => {
    const name = Buffer.from("caf\xe9.txt", "latin1");
    const withName = async (attack: Attack) => {
      const blob = attack.git("rev-parse", "main:README.md").trim();
      await editBaseTree(attack, (entries) => insertEntry(entries, treeEntry("100644", name, blob)));
    };
    await using kept = await openAttack({ dataFolder, ...agent(mend) });
    await withName(kept);
    const branch = expectPublished(kept, await kept.run());
    expect(kept.git("ls-tree", "-r", "-z", "--name-only", branch).split("\0")).toContain("caf\xe9.txt");
    expect(kept.git("diff", "--name-only", "main", branch).trim()).toBe("src/cart.js");
    await using made = await openAttack({ dataFolder, ...agent(`printf x > "$(printf 'new\\351.txt')"\n${mend}`) });
    expectRefused(made, await made.run(), /new/);
  });

  it("case 16: a huge file and thousands of files are refused by their limit, and the worker stays small", async () => {
    const peakMiB = async (script: string, words: RegExp | null) => {
      await using attack = await openAttack({ dataFolder, ...agent(`${script}\n${mend}`) });
      const program = attack.start([
        "run",
        String(attack.issueNumber),
        "--repo",
        attack.repo,
        "--json",
        "--publish",
        "auto",
      ]);
      let peak = 0;
      const look = setInterval(() => (peak = Math.max(peak, residentMiB(program.pid))), 20);
      const run = await attack.ended(program);
      clearInterval(look);
      if (words) expectRefused(attack, run, words);
      else expectPublished(attack, run);
      expect(peak).toBeGreaterThan(0);
      return peak;
    };
    const usual = await peakMiB("true", null);
    const huge = await peakMiB("truncate -s 200M huge.bin", /huge\.bin.*1048576|1048576.*huge\.bin/s);
    const many = await peakMiB(
      "mkdir many; for n in $(seq 5000); do echo x > many/$n; done",
      /more than 100 changed files/,
    );
    expect(huge - usual).toBeLessThan(100);
    expect(many - usual).toBeLessThan(100);
  });

  it("case 17: no LFS process runs for pointers in base or change, and a changed pointer waits for a person", async () => {
    using canaries = openCanaries();
    const pointer = (digit: string) =>
      `version https://git-lfs.github.com/spec/v1\noid sha256:${digit.repeat(64)}\nsize 12345\n`;
    const files = {
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:9/lfs\n",
      "model.bin": pointer("a"),
    };
    const global = `[filter "lfs"]
  process = "touch ${canaries.path}/process; false"
  clean = "touch ${canaries.path}/clean; cat"
  smudge = "touch ${canaries.path}/smudge; cat"
  required = true\n`;
    const script = `printf '%s' '${pointer("b")}' > model.bin\n${mend}`;
    await using attack = await openAttack({ dataFolder, files, ...agent(script) });
    writeFileSync(join(attack.home, ".gitconfig"), global);
    const run = await attack.run();
    expect(run.code, run.said).toBe(8);
    expect(run.evidence?.flagged).toContainEqual(expect.objectContaining({ level: "hold", path: "model.bin" }));
    expect(canaries.fired()).toEqual([]);
    const approved = await attack.approve(run);
    expect(approved.code, approved.said).toBe(0);
    expect(attack.git("show", `${attack.pulls()[0]?.head}:model.bin`)).toBe(pointer("b"));
    expect(canaries.fired()).toEqual([]);
    // Alive: this person's own git would have started it.
    shell(canaries.room("control"), `git clone -q ${attack.gitDir} there || true`, { HOME: attack.home });
    expect(canaries.fired()).not.toEqual([]);
  });
});

function residentMiB(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return 0;
  const line = execFileSync("sh", ["-c", `grep VmHWM ${status} || true`]).toString();
  return Number(/(\d+) kB/.exec(line)?.[1] ?? 0) / 1024;
}
