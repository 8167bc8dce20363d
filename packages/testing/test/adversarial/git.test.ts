import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, inject, it } from "vitest";
import { editBaseTree, insertEntry, treeEntry } from "../../src/edit-base.ts";
import { type Attack, type AttackOptions, openAttack } from "../../src/open-attack.ts";
import type { LocalRun } from "../../src/read-local-run.ts";
import { openCanaries, people, shell } from "./canaries.ts";
import {
  hooksThatRan, hostileFiles, mend, plantConfig, plantHooks, plantLies, programsThatRan, useConfig, useHooks,
} from "./git-plants.ts"; // prettier-ignore

const dataFolder = inject("dataFolder");
const aPerson = Object.entries(people).map(([name, value]) => `export ${name}=${value}`).join("\n"); // prettier-ignore

/** An agent that needs no model: what it leaves in the tree is the attack. */
const agent = (script: string): Pick<AttackOptions, "engineCommand"> => ({
  engineCommand: ["sh", "-c", `cd /work\nexport HOME=/tmp\n${aPerson}\n${script}`],
});

/** Gives the commit that was pushed, and what the agent itself found out, which it wrote to `found.txt`. */
function published(attack: Attack, run: LocalRun): { head: string; changed: string[]; found: string } {
  expect(run.code, run.said).toBe(0);
  expect(attack.pulls()).toHaveLength(1);
  const head = attack.pulls()[0]?.head ?? "";
  expect(attack.refs()).toContain(`refs/heads/${head}`);
  const changed = attack.git("diff", "--name-only", "--no-renames", "-z", "main", head).split("\0").filter(Boolean);
  const found = changed.includes("found.txt") ? attack.git("show", `${head}:found.txt`) : "";
  return { head, changed, found };
}

/** Refused by name, before anything of it is kept or pushed. */
function expectRefused(attack: Attack, run: LocalRun, paths: string[]): void {
  expect(run.result, run.said).toMatchObject({ stage: "failed", reason: "bad_output" });
  for (const path of paths) expect(run.result?.reasonText).toContain(path);
  expect(run.code).toBe(1);
  expect(run.diff).toBe("");
  expect(attack.pulls()).toEqual([]);
  expect(attack.refs().filter((ref) => ref.startsWith("refs/heads/feedback/"))).toEqual([]);
}

function expectNowhere(attack: Attack, run: LocalRun, secret: string): void {
  for (const [place, text] of Object.entries(attack.places(run))) expect(text.includes(secret), place).toBe(false);
}

describe("what an agent leaves for git", () => {
  it("case 7: no hook runs, whatever its name: not the agent's repository's, not from core.hooksPath, not from a template", async () => {
    using canaries = openCanaries();
    const template = canaries.room("template");
    shell(template, `${plantHooks(canaries.path)}\nmv .git/hooks hooks; rm -rf .git`, {}, ["hooks"]);
    canaries.clear();
    const look = "ls .git/hooks .git/elsewhere | wc -l > found.txt; git config core.hooksPath >> found.txt";
    const env = { GIT_TEMPLATE_DIR: template };
    await using attack = await openAttack({
      dataFolder, env, ...agent(`${plantHooks(canaries.path)}\n${look}\n${mend}`),
    }); // prettier-ignore
    const run = await attack.run();
    // It was all there when the agent ended.
    expect(published(attack, run)).toMatchObject({
      changed: ["found.txt", "src/cart.js"],
      found: expect.stringMatching(/^(?:[6-9]\d|\d{3})\n\/work\/\.git\/elsewhere\n$/),
    });
    expect(canaries.fired()).toEqual([]);
    // Alive: git that works in such a tree runs them, from either place, and from the template.
    for (const place of ["hooks", "elsewhere"]) {
      shell(canaries.room(place), `${plantHooks(canaries.path)}\n${useHooks}`, {}, [place]);
      expect(canaries.fired()).toEqual(expect.arrayContaining(hooksThatRan));
      canaries.clear();
    }
    shell(canaries.room("templated"), "git init -q . && git commit -q --allow-empty -m x", env);
    expect(canaries.fired()).toContain("pre-commit");
  });

  it("case 8: no program is started that git's configuration names, the agent's or the machine's, and the push goes to GitHub", async () => {
    using canaries = openCanaries();
    writeFileSync(join(canaries.parent, "evil-gpg"), `#!/bin/sh\ntouch ${canaries.path}/gpg\n`, { mode: 0o755 });
    await using trap = await openTrap();
    const plant = { canaries: canaries.path, from: "http://127.0.0.1:", to: trap.url };
    const env = {
      PATH: process.env["PATH"] ?? "",
      GIT_EXTERNAL_DIFF: `touch ${canaries.path}/variable`, GIT_SSH_COMMAND: `touch ${canaries.path}/variable; false`,
      GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "core.fsmonitor", GIT_CONFIG_VALUE_0: `touch ${canaries.path}/variable; false`,
    }; // prettier-ignore
    const look = "git config --get-regexp . | wc -l > found.txt";
    await using attack = await openAttack({
      dataFolder, env, ...agent(`${plantConfig(plant, "/work")}\n${look}\n${mend}`),
    }); // prettier-ignore
    // The owner of the machine has the same in the home.
    const { config, ...files } = hostileFiles(plant, attack.home);
    for (const [name, text] of Object.entries({ ...files, ".gitconfig": config }))
      writeFileSync(join(attack.home, name), text);
    const run = await attack.run();
    const { changed, found } = published(attack, run);
    expect(changed).toEqual(["found.txt", "src/cart.js"]);
    expect(Number(found)).toBeGreaterThanOrEqual(20);
    expect([canaries.fired(), trap.asked]).toEqual([[], []]);

    // Alive: in the agent's repository, in the home and in the variables.
    const room = canaries.room("control");
    shell(room, `${plantConfig(plant, room)}\n${useConfig}`);
    expect(canaries.fired()).toEqual(expect.arrayContaining(programsThatRan));
    // Not in one go with the others: the trap answers from this very process.
    const ask = promisify(execFile)("git", ["ls-remote", `${plant.from}1/x`], {
      cwd: room,
      env: { PATH: env.PATH, HOME: room },
    });
    await expect(ask).rejects.toThrow("ls-remote");
    expect(trap.asked.length).toBeGreaterThan(0);
    canaries.clear();
    shell(canaries.room("owner"), `git init -q .\n${useConfig}`, { HOME: attack.home });
    expect(canaries.fired()).toEqual(expect.arrayContaining(programsThatRan));
    canaries.clear();
    shell(canaries.room("variables"), "git init -q .; git status; echo a > a; git add a; echo b > a; git diff", env);
    expect(canaries.fired()).toEqual(["variable"]);
  });

  const commit = "git init -q . && git add -A && git commit -qm all";
  const elsewhere = `${commit}; mv .git /tmp/else.git; git --git-dir=/tmp/else.git config core.worktree /work`;
  it.each([
    ["deleted", `${mend}; ${commit}; rm -rf .git`],
    ["a file that points to a repository which knows of no change", `${mend}; ${elsewhere}; echo 'gitdir: /tmp/else.git' > .git`],
    ["a link to such a repository", `${mend}; ${elsewhere}; ln -s /tmp/else.git .git`],
    ["a folder whose index skips the changed file, and whose rules hide new ones", `${commit}; git update-index --skip-worktree src/cart.js; echo '*' > .git/info/exclude; ${mend}`],
  ])("case 9: the true diff is published when .git is %s", async (_what, script) => {
    // What the agent's own git says about the tree: nothing, or that there is no repository.
    const look = "{ git status --porcelain 2>&1; echo end; } > /tmp/found; cp /tmp/found found.txt";
    await using attack = await openAttack({ dataFolder, ...agent(`${script}\n${look}`) });
    const run = await attack.run();
    const { head, changed, found } = published(attack, run);
    expect(found).toMatch(/^(?:fatal: not a git repository[^]*\n)?end\n$/);
    expect(changed).toEqual(["found.txt", "src/cart.js"]);
    expect(attack.git("show", `${head}:src/cart.js`)).toContain("* line.quantity");
    expect(run.diff).toContain("* line.quantity");
  }); // prettier-ignore

  it("case 10: replacements, grafts and borrowed objects change nothing, in the agent's repository or on GitHub", async () => {
    using canaries = openCanaries();
    const host = canaries.room("host.git");
    const secret = "bytes that only the host has";
    shell(host, "git init -q --bare .");
    const stolen = hashInto(host, secret);
    const plant = plantLies({ host, stolen });
    const look = "{ git cat-file blob HEAD:src/cart.js; git ls-files -s stolen.txt; } > found.txt";
    const seen = "cp src/cart.js seen.js";
    await using attack = await openAttack({ dataFolder, ...agent(`${plant}\n${look}\n${seen}\n${mend}`) });
    const original = attack.git("rev-parse", "main:src/cart.js").trim();
    attack.git("replace", original, hashInto(attack.gitDir, "replaced on GitHub\n"));
    const run = await attack.run();
    const { head, changed, found } = published(attack, run);
    expect(changed).toEqual(["found.txt", "seen.js", "src/cart.js"]);
    expect(found).toBe(`replaced\n100644 ${stolen} 0\tstolen.txt\n`);
    expect(attack.git("--no-replace-objects", "rev-parse", `${head}:seen.js`).trim()).toBe(original);
    expect(attack.git("show", `${head}:src/cart.js`)).toContain("* line.quantity");
    expectNowhere(attack, run, secret);
    // Alive: git in such repositories reads the host's object, and the replacements in place of the files.
    expect(attack.git("cat-file", "blob", original)).toBe("replaced on GitHub\n");
    const room = canaries.room("control");
    mkdirSync(join(room, "src"));
    writeFileSync(join(room, "src/cart.js"), "true\n");
    shell(room, plant);
    expect(shell(room, "git cat-file blob HEAD:src/cart.js")).toBe("replaced\n");
    expect(shell(room, "git show $(git write-tree):stolen.txt")).toBe(secret);
    expect(shell(room, "git rev-list --count HEAD").trim()).toBe("1");
  });

  it("case 11: a submodule that is new or changed is refused by its path; one that is left alone is kept", async () => {
    const modules = "[submodule \"old\"]\\n\\tpath = vendor/old\\n\\turl = ../%s\\n";
    const sha = "1".repeat(40);
    const withModule = async (attack: Attack) => {
      const old = hashInto(attack.gitDir, Buffer.from(treeEntry("160000", "old", sha)), "tree");
      const file = hashInto(attack.gitDir, shell("/", `printf '${modules}' old`));
      const odd = [treeEntry("100644", ".gitmodules", file), treeEntry("40000", "vendor", old)];
      await editBaseTree(attack, (entries) => odd.reduce(insertEntry, entries));
      expect(attack.git("ls-tree", "-r", "main", "vendor")).toMatch(/^160000 commit 1+\tvendor\/old/);
    };
    const inside = "echo x > vendor/old/x.js";
    const nested = "git init -q vendor/new; echo x > vendor/new/x.js; git -C vendor/new add x.js; git -C vendor/new commit -qm x";
    const moved = `printf '${modules}' evil > .gitmodules`;
    await using attack = await openAttack({ dataFolder, ...agent(`${inside}; ${nested}; ${moved}\n${mend}`) });
    await withModule(attack);
    expectRefused(attack, await attack.run(), [".gitmodules", "vendor/old", "vendor/new/.git"]);
    // The same base and an agent that leaves them alone.
    await using kept = await openAttack({ dataFolder, ...agent(mend) });
    await withModule(kept);
    const { head, changed } = published(kept, await kept.run());
    expect(changed).toEqual(["src/cart.js"]);
    expect(kept.git("ls-tree", "-r", head, "vendor")).toContain(`160000 commit ${sha}\tvendor/old`);
    // Alive: git would have made a submodule of it.
    using canaries = openCanaries();
    const room = canaries.room("control");
    shell(room, `${nested}; git init -q . && git add -A`);
    expect(shell(room, "git ls-files -s vendor")).toMatch(/^160000 /);
  }); // prettier-ignore

  it("case 12: links to files, pipes and folders of the host are refused, and the host's bytes are never read", async () => {
    using canaries = openCanaries();
    const secret = "the host's own bytes 4711";
    const host = canaries.room("host");
    writeFileSync(join(host, "secret.txt"), secret);
    writeFileSync(join(host, "cart.js"), secret);
    // A pipe waits until somebody opens it to read, and tells.
    const waiting = (name: string) =>
      shell(host, `mkfifo ${name}; { echo x > ${name}; touch ${canaries.path}/${name}; } > /dev/null 2>&1 &`);
    waiting("pipe");
    const links = `ln -s ${host}/secret.txt stolen.txt; ln -s ${host}/pipe pipe.txt; ln -s ${host} folder
rm -rf src; ln -s ${host} src; mkdir deep; ln -s ../../../../../../../..${host}/secret.txt deep/climbing.txt`;
    await using attack = await openAttack({ dataFolder, ...agent(links) });
    const run = await attack.run();
    expectRefused(attack, run, ["stolen.txt", "pipe.txt", "folder", "src", "deep/climbing.txt"]);
    expectNowhere(attack, run, secret);
    expect(canaries.fired()).toEqual([]);
    // Alive: whoever follows such a link reads it.
    const room = canaries.room("control");
    shell(room, links);
    expect(shell(room, "cat stolen.txt folder/secret.txt src/cart.js deep/climbing.txt")).toBe(secret.repeat(4));
    expect(shell(room, `cat pipe.txt; while [ ! -e ${canaries.path}/pipe ]; do sleep 0.05; done`)).toBe("x\n");
  });

  it("case 13: names that git keeps for itself are refused, where git would lose them without an error", async () => {
    const names = [".GIT/config", "git~1/config", "a/.Git/hooks/x"];
    const make = names.map((name) => `mkdir -p "$(dirname '${name}')"; echo x > '${name}'`).join("\n");
    await using attack = await openAttack({ dataFolder, ...agent(`${make}\n${mend}`) });
    expectRefused(attack, await attack.run(), [".GIT (", "git~1 (", "a/.Git ("]);
    using canaries = openCanaries();
    const room = canaries.room("control");
    const add = `printf '%s\\n' ok ../up /etc/passwd ${names.join(" ")} | git update-index --add --stdin && git ls-files`;
    expect(shell(room, `git init -q .; echo x > ok; echo x > ../up\n${make}\ncd .; ${add} || true`)).toMatch(/^$|^ok\n$/);
    expect(shell(room, `printf '%s\\n' ok ${names.join(" ")} | git update-index --add --stdin; echo $?; git ls-files`)).toBe("0\nok\n");
  }); // prettier-ignore

  it.each(["..", ".GIT"])(
    "case 13: a base with the folder %s is not cloned, and nothing is written outside of its own",
    async (folder) => {
      await using attack = await openAttack({ dataFolder, ...agent(mend) });
      const blob = attack.git("rev-parse", "main:README.md").trim();
      const inner = hashInto(attack.gitDir, treeEntry("100644", "climbed.txt", blob), "tree");
      await editBaseTree(attack, (entries) => insertEntry(entries, treeEntry("40000", folder, inner)));
      expect(attack.git("ls-tree", "-r", "main")).toContain(`\t${folder}/climbed.txt\n`);
      const run = await attack.run();
      expect(run.code, run.said).toBe(1);
      expect(run.result).toMatchObject({ stage: "failed", reason: "clone", prUrl: null });
      expect(run.result?.reasonText).toContain(folder);
      expect(execFileSync("find", [dataFolder, attack.folder, "-name", "climbed.txt"]).toString()).toBe("");
    },
  );

  it("case 14: names that two systems read differently are refused", async () => {
    const names = [
      "SRC/cart.js", "src/Cart.js", "readme.md", "aux.ts", "a:b", "foo.", "bar ", "a\\b", "evil\u202etxt.js", "bell\u0007",
    ]; // prettier-ignore
    const make = names.map((name) => `mkdir -p "$(dirname '${name}')" && echo x > '${name}'`).join("\n");
    await using attack = await openAttack({ dataFolder, ...agent(`${make}\n${mend}`) });
    const run = await attack.run();
    expectRefused(attack, run, ["SRC/cart.js", "src/Cart.js", "readme.md", "aux.ts", "a:b", "foo.", "bar ", "a\\b", "evil\\u{202e}txt.js", "bell\\u{7}"]);
    // What turns the reading direction, or rings, is spelt out and not handed on to people.
    for (const char of ["\u202e", "\u0007"]) expect(run.said).not.toContain(char);
    using canaries = openCanaries();
    const room = canaries.room("control");
    const listed = shell(room, `mkdir src; echo x > src/cart.js; echo x > README.md\n${make}\ngit init -q .; git add -A; git ls-files -z`);
    expect(Buffer.from(listed, "latin1").toString().split("\0")).toEqual(expect.arrayContaining(names));
  }); // prettier-ignore

  it("case 15: the base's Latin-1 names are kept byte for byte, also of a changed file, and new ones are refused", async () => {
    const withNames = async (attack: Attack) => {
      const blob = attack.git("rev-parse", "main:README.md").trim();
      const odd = ["caf\xe9.txt", "na\xefve.txt"].map((name) => treeEntry("100644", Buffer.from(name, "latin1"), blob));
      await editBaseTree(attack, (entries) => odd.reduce(insertEntry, entries));
    };
    const change = `echo more >> "$(printf 'na\\357ve.txt')"`;
    await using kept = await openAttack({ dataFolder, ...agent(`${change}\n${mend}`) });
    await withNames(kept);
    const run = await kept.run();
    const { head, changed } = published(kept, run);
    expect(changed).toEqual(["na\xefve.txt", "src/cart.js"]);
    const entries = (ref: string) => kept.git("ls-tree", "-r", "-z", ref).split("\0");
    expect(entries("main").filter((line) => !entries(head).includes(line)).map((line) => line.split("\t")[1])).toEqual(changed);
    expect(entries(head).join()).toContain("\tcaf\xe9.txt");
    expect(run.diff).toContain("+more");
    await using made = await openAttack({ dataFolder, ...agent(`printf x > "$(printf 'new\\351.txt')"\n${mend}`) });
    expectRefused(made, await made.run(), ["new"]);
  }); // prettier-ignore

  it("case 16: a huge file and thousands of files are refused by their limit, and the worker's memory stays flat", async () => {
    const peakMiB = async (script: string, check: (attack: Attack, run: LocalRun) => void) => {
      await using attack = await openAttack({ dataFolder, ...agent(`${script}\n${mend}`) });
      const issue = String(attack.issueNumber);
      const program = attack.start(["run", issue, "--repo", attack.repo, "--json", "--publish", "auto"]);
      let peak = 0;
      const looking = setInterval(() => (peak = Math.max(peak, peakResidentMiB(program.pid))), 20);
      const run = await attack.ended(program);
      clearInterval(looking);
      check(attack, run);
      expect(peak).toBeGreaterThan(0);
      return peak;
    };
    const usual = await peakMiB("true", published);
    const attacked = await peakMiB(
      "head -c 200M /dev/zero > huge.bin; mkdir many; for n in $(seq 5000); do echo x > many/$n; done",
      (attack, run) => {
        expectRefused(attack, run, ["huge.bin", String(200 * 1024 * 1024), "1048576", "more than 100 changed files"]);
      },
    );
    expect(attacked - usual).toBeLessThan(64);
  });

  it("case 17: no LFS process runs for pointers, and a changed pointer or .lfsconfig waits for a person", async () => {
    using canaries = openCanaries();
    const bin = canaries.room("bin");
    writeFileSync(join(bin, "git-lfs"), `#!/bin/sh\ntouch ${canaries.path}/lfs-$1\nexit 1\n`, { mode: 0o755 });
    await using server = await openTrap();
    const pointer = (digit: string) =>
      `version https://git-lfs.github.com/spec/v1\noid sha256:${digit.repeat(64)}\nsize 12345\n`;
    const files = {
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      ".lfsconfig": `[lfs]\n\turl = ${server.url}lfs\n`,
      "model.bin": pointer("a"),
    };
    const script = `cp model.bin found.txt; printf '%s' '${pointer("b")}' > model.bin; echo '# more' >> .lfsconfig\n${mend}`;
    const env = { PATH: `${bin}:${process.env["PATH"]}` };
    await using attack = await openAttack({ dataFolder, files, env, ...agent(script) });
    // As `git lfs install` leaves it.
    const installed = "clean = git-lfs clean -- %f\n  smudge = git-lfs smudge -- %f\n  process = git-lfs filter-process";
    writeFileSync(join(attack.home, ".gitconfig"), `[filter "lfs"]\n  ${installed}\n  required = true\n`);
    const run = await attack.run();
    expect(run.code, run.said).toBe(8);
    expect(run.result).toMatchObject({ waitingFor: "approval" });
    expect(run.evidence?.flagged).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ level: "hold", code: "lfs_pointer", path: "model.bin" }),
        expect.objectContaining({ level: "hold", code: "protected_path", path: ".lfsconfig" }),
      ]),
    );
    expect(attack.pulls()).toEqual([]);
    const { head, found } = published(attack, await attack.approve(run));
    // A pointer is what the agent saw, and what was published.
    expect(found).toBe(pointer("a"));
    expect(attack.git("show", `${head}:model.bin`)).toBe(pointer("b"));
    expect([canaries.fired(), server.asked]).toEqual([[], []]);
    // Alive: this person's own git would have started it.
    shell(canaries.room("control"), `git clone -q ${attack.gitDir} there || true`, { ...env, HOME: attack.home });
    expect(canaries.fired()).toEqual(["lfs-filter-process"]);
  }); // prettier-ignore
});

function hashInto(gitDir: string, content: string | Buffer, type = "blob"): string {
  const args = ["hash-object", "-t", type, "-w", "--stdin", "--literally"];
  return execFileSync("git", args, { cwd: gitDir, input: content }).toString().trim();
}

/** A server that nobody has to ask. */
async function openTrap() {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    asked.push(request.url ?? "");
    answer.writeHead(500).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const close = () => new Promise<void>((done) => server.close(() => done()));
  return { url, asked, [Symbol.asyncDispose]: close };
}

/** The most that the process ever held, as the kernel counts it; 0 when it is gone. */
function peakResidentMiB(pid: number): number {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return 0;
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(status, "latin1"))?.[1] ?? 0) / 1024;
}
