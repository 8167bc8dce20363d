import {
  chmodSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  ftruncateSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasTree, importTreePack } from "../src/git/pack-tree.ts";
import { asRunFailure } from "../src/ports/run-failure.ts";
import type { RunRepository } from "../src/ports/git.ts";
import { makeRedactor } from "../src/core/redact.ts";
import { walkTree } from "../src/git/walk-tree.ts";
import { collectTree } from "../src/stages/collect.ts";
import {
  makeFolder,
  makeRepository,
  put,
  type Content,
  type TestFolder,
  type TestRepository,
} from "./git/make-repository.ts";
import { fileDeps, openClone } from "./git/open-clone.ts";

type Bench = {
  folder: TestFolder;
  origin: TestRepository;
  repository: RunRepository;
  tree: string;
};

const baseFiles: Record<string, Content> = {
  "src/app.js": "one\ntwo\nthree\n",
  "src/old.js": "old\n",
  "run.sh": { script: "#!/bin/sh\n" },
  "link.txt": { link: "src/app.js" },
  ".gitignore": "node_modules/\n*.log\nbuild/\n",
  "sub/.gitignore": "only-here\n",
};

async function work(files: Record<string, Content>, test: (bench: Bench) => Promise<void>): Promise<void> {
  using folder = makeFolder();
  const origin = makeRepository(folder);
  const sha = origin.commit(files);
  await using repository = await openClone(folder, origin);
  const tree = folder.at("work");
  await repository.exportTree(sha, tree);
  await test({ folder, origin, repository, tree });
}

function collect({ folder, repository, tree }: Bench, protectedPaths: string[] = []) {
  return collectTree(fileDeps(), {
    repository,
    treeFolder: tree,
    runFolder: folder.at("scratch"),
    protectedPaths,
    redactor: makeRedactor([]),
  });
}

async function refusal(bench: Bench) {
  const answer = await collect(bench).catch((error: unknown) => {
    const failure = asRunFailure(error);
    if (!failure) throw error;
    return failure;
  });
  if (!("code" in answer)) throw new Error(`not refused: ${JSON.stringify(answer.files)}`);
  return answer;
}

describe("collectTree", () => {
  it("takes added, changed, deleted and newly executable files, and nothing else", async () => {
    await work(baseFiles, async (bench) => {
      put(bench.tree, "src/app.js", "one\n2\nthree\n");
      put(bench.tree, "src/new/deep.js", "new\n");
      rmSync(join(bench.tree, "src/old.js"));
      chmodSync(join(bench.tree, "run.sh"), 0o644);
      const collected = await collect(bench);
      expect(collected.files).toEqual([
        { path: "run.sh", change: "modified", addedLines: 0, removedLines: 0 },
        { path: "src/app.js", change: "modified", addedLines: 1, removedLines: 1 },
        { path: "src/new/deep.js", change: "added", addedLines: 1, removedLines: 0 },
        { path: "src/old.js", change: "deleted", addedLines: 0, removedLines: 1 },
      ]);
      expect(Buffer.from(collected.diffPatch).toString()).toContain("-two\n+2\n");
      expect(collected.isEmpty).toBe(false);
      const out = bench.folder.at("out");
      await bench.repository.exportTree(collected.treeId, out);
      expect(readFileSync(join(out, "src/new/deep.js"), "utf8")).toBe("new\n");
      expect(readdirSync(join(out, "src"))).toEqual(["app.js", "new"]);
    });
  });

  it("shows the lines of a text file with a NUL byte, and flags it with a change of line ends", () =>
    work({ ...baseFiles, "src/ends.js": "a\nb\n" }, async (bench) => {
      put(bench.tree, "src/app.js", "one\n\u0000\nsteal()\n");
      put(bench.tree, "src/ends.js", "a\r\nb\r\n");
      const { diffPatch, verdicts } = await collect(bench);
      expect(Buffer.from(diffPatch).toString()).toContain("+steal()\n");
      expect(Buffer.from(diffPatch).toString()).toContain("+a\r\n");
      expect(verdicts.map(({ code, path, line }) => `${code} ${path}:${line ?? ""}`)).toEqual(
        expect.arrayContaining(["binary src/app.js:", "nul_in_text src/app.js:2", "line_endings src/ends.js:1"]),
      );
    }));

  it("is empty when nothing changed, on whatever the base holds", async () => {
    await work({ ...baseFiles, "Latin-\xe9.txt": "x", "dir\xff/a": "y" }, async (bench) => {
      const collected = await collect(bench);
      expect(collected).toMatchObject({ isEmpty: true, files: [], ignoredFiles: 0 });
      expect(
        await hasTree(fileDeps(), bench.repository.gitDir, {
          treeish: bench.repository.baseSha,
          treeId: collected.treeId,
        }),
      ).toBe(true);
    });
  });

  it("gives a pack from which another worker rebuilds exactly this tree", async () => {
    await work(baseFiles, async (bench) => {
      put(bench.tree, "src/app.js", "changed\n");
      const { treeId, treePack } = await collect(bench);
      await using other = await openClone(bench.folder, bench.origin, {
        cacheFolder: bench.folder.at("other-cache"),
      });
      await importTreePack(fileDeps(), other.gitDir, { pack: treePack, treeId });
      const out = bench.folder.at("out");
      await other.exportTree(treeId, out);
      expect(readFileSync(join(out, "src/app.js"), "utf8")).toBe("changed\n");
      const cut = treePack.slice(0, -25);
      expect(await importTreePack(fileDeps(), other.gitDir, { pack: cut, treeId }).catch(asRunFailure)).toMatchObject({
        code: "bad_output",
      });
    });
  });

  it("leaves out what the base commit ignores, and counts it, whatever rules the agent wrote", async () => {
    await work(baseFiles, async (bench) => {
      put(bench.tree, "node_modules/a/index.js", "1");
      put(bench.tree, "node_modules/a/b.js", "2");
      symlinkSync("/etc/passwd", join(bench.tree, "node_modules/a/passwd"));
      put(bench.tree, "debug.log", "log");
      put(bench.tree, "sub/only-here", "ignored below sub only");
      put(bench.tree, "only-here", "taken");
      put(bench.tree, "build", "a file: the rule means folders");
      put(bench.tree, ".gitignore", "src/\n*.js\n!debug.log\n");
      put(bench.tree, "src/hidden.js", "seen\n");
      const collected = await collect(bench);
      expect(collected.files.map(({ path }) => path)).toEqual([".gitignore", "build", "only-here", "src/hidden.js"]);
      expect(collected.ignoredFiles).toBe(5);
    });
  });

  // pipeline.md, case 15
  it("keeps the base's Latin-1 names byte for byte and refuses new ones", async () => {
    await work({ "caf\xe9.txt": "x", "a.txt": "a" }, async (bench) => {
      put(bench.tree, "a.txt", "b");
      const { treeId } = await collect(bench);
      expect(
        bench.origin.git(["--git-dir", bench.repository.gitDir, "ls-tree", "-r", "-z", "--name-only", treeId]),
      ).toContain("caf\xe9.txt");
      writeFileSync(Buffer.from(join(bench.tree, "neu-\xfc.txt"), "latin1"), "x");
      expect((await refusal(bench)).code).toBe("bad_output");
    });
  });

  // case 9
  it.each(["deleted", "a file", "a symlink", "a folder with a planted index"])(
    "sees the true diff when .git is %s",
    async (what) => {
      await work(baseFiles, async (bench) => {
        const place = join(bench.tree, ".git");
        if (what === "a file") writeFileSync(place, "gitdir: /etc\n");
        if (what === "a symlink") symlinkSync("/etc", place);
        if (what === "a folder with a planted index") {
          execFileSync("git", ["init", "-q", bench.tree]);
          execFileSync("git", ["-C", bench.tree, "add", "-A"]);
          execFileSync("git", ["-C", bench.tree, "update-index", "--skip-worktree", "src/app.js"]);
        }
        put(bench.tree, "src/app.js", "changed\n");
        expect((await collect(bench)).files.map(({ path }) => path)).toEqual(["src/app.js"]);
      });
    },
  );

  // cases 7 and 8
  it("starts none of the hooks, filters and helpers that the tree's own .git, attributes or config name", async () => {
    await work(
      { ...baseFiles, ".gitattributes": "*.js filter=evil diff=evil\n* text=auto eol=crlf\n" },
      async (bench) => {
        const canary = bench.folder.at("canary");
        const evil = `sh -c 'touch ${canary}'`;
        execFileSync("git", ["init", "-q", bench.tree]);
        mkdirSync(join(bench.tree, ".git/hooks"), { recursive: true });
        const config = ["[core]", "repositoryformatversion = 0", `fsmonitor = "${evil}"`, `hooksPath = ${bench.tree}/.git/hooks`, `sshCommand = "${evil}"`,
        '[filter "evil"]', `clean = "${evil}"`, `smudge = "${evil}"`, "required = true", '[diff "evil"]', `command = "${evil}"`, `textconv = "${evil}"`,
        "[diff]", `external = "${evil}"`, "[gpg]", `program = "${evil}"`, "[credential]", `helper = "!${evil}"`,
        '[url "file:///nowhere/"]', "insteadOf = file://", "[include]", `path = ${bench.tree}/more`]; // prettier-ignore
        writeFileSync(join(bench.tree, ".git/config"), config.join("\n"));
        for (const hook of [
          "pre-commit",
          "post-index-change",
          "reference-transaction",
          "post-checkout",
          "pre-push",
          "fsmonitor-watchman",
        ]) {
          writeFileSync(join(bench.tree, ".git/hooks", hook), `#!/bin/sh\ntouch ${canary}\n`, {
            mode: 0o755,
          });
        }
        put(bench.tree, "src/app.js", "one\r\nchanged\n");
        const { treeId } = await collect(bench);
        expect(Buffer.from((await bench.repository.readFile(treeId, "src/app.js")) ?? []).toString()).toBe(
          "one\r\nchanged\n",
        );
        expect(readdirSync(bench.folder.path)).not.toContain("canary");
        // Positive control: git itself, asked in that tree, would have run it.
        execFileSync("git", ["-C", bench.tree, "status"], {
          stdio: "ignore",
          env: { PATH: process.env["PATH"], HOME: bench.folder.path },
        });
        expect(readdirSync(bench.folder.path)).toContain("canary");
      },
    );
  });

  // case 10
  it("ignores replacements and alternates of the agent's making", async () => {
    await work(baseFiles, async (bench) => {
      mkdirSync(join(bench.tree, ".git/objects/info"), { recursive: true });
      writeFileSync(join(bench.tree, ".git/objects/info/alternates"), "/root/secret.git/objects\n");
      put(bench.tree, "src/app.js", "changed\n");
      const collected = await collect(bench);
      const oid = bench.origin.git(["hash-object", "-w", "--stdin"], "not this");
      const blob = bench.origin.git([
        "--git-dir",
        bench.repository.gitDir,
        "rev-parse",
        `${collected.treeId}:src/app.js`,
      ]);
      execFileSync("cp", ["-r", `${bench.origin.gitDir}/objects/.`, `${bench.repository.gitDir}/objects/`]);
      mkdirSync(join(bench.repository.gitDir, "refs/replace"), { recursive: true });
      writeFileSync(join(bench.repository.gitDir, "refs/replace", blob), `${oid}\n`);
      expect(bench.origin.git(["--git-dir", bench.repository.gitDir, "cat-file", "blob", blob])).toBe("not this");
      expect(Buffer.from((await bench.repository.readFile(collected.treeId, "src/app.js")) ?? []).toString()).toBe(
        "changed\n",
      );
    });
  });

  // case 11
  it("refuses a nested repository, files in a submodule, and .gitmodules", async () => {
    await work(baseFiles, async (bench) => {
      execFileSync("git", ["init", "-q", join(bench.tree, "vendor/lib")]);
      put(bench.tree, "vendor/lib/x.js", "x");
      expect(await refusal(bench)).toMatchObject({
        code: "bad_output",
        paths: ["vendor/lib/.git"],
      });
    });
    await work(baseFiles, async (bench) => {
      put(bench.tree, ".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ../x\n');
      expect((await refusal(bench)).paths).toContain(".gitmodules");
    });
  });

  // case 12
  it("refuses symlinks to files and folders of the host and never reads what they name", async () => {
    await work(baseFiles, async (bench) => {
      mkdirSync(bench.folder.at("host"));
      writeFileSync(bench.folder.at("host/secret"), "host bytes");
      symlinkSync(bench.folder.at("host/secret"), join(bench.tree, "stolen.txt"));
      symlinkSync(bench.folder.at("host"), join(bench.tree, "folder"));
      rmSync(join(bench.tree, "src"), { recursive: true });
      symlinkSync(bench.folder.at("host"), join(bench.tree, "src"));
      const refused = await refusal(bench);
      expect(refused.paths.toSorted()).toEqual(["folder", "src", "stolen.txt"]);
      expect(JSON.stringify(refused)).not.toContain("host bytes");
    });
  });

  it("refuses a changed symlink, a pipe, and keeps a base symlink as it is", async () => {
    await work(baseFiles, async (bench) => {
      put(bench.tree, "new.txt", "x");
      expect((await collect(bench)).files.map(({ path }) => path)).toEqual(["new.txt"]);
      rmSync(join(bench.tree, "link.txt"));
      symlinkSync("/etc/passwd", join(bench.tree, "link.txt"));
      execFileSync("mkfifo", [join(bench.tree, "pipe")]);
      expect((await refusal(bench)).paths.toSorted()).toEqual(["link.txt", "pipe"]);
    });
  });

  it("reads a hard link inside the tree as a file of its own", async () => {
    await work(baseFiles, async (bench) => {
      linkSync(join(bench.tree, "src/app.js"), join(bench.tree, "twin.js"));
      expect((await collect(bench)).files.map(({ path }) => path)).toEqual(["twin.js"]);
    });
  });

  // case 13
  it.each([".GIT/config", "git~1/config", "a/.Git/hooks/x", ".gIt"])(
    "refuses %s by name instead of losing it",
    async (path) => {
      await work(baseFiles, async (bench) => {
        put(bench.tree, path, "x");
        const refused = await refusal(bench);
        expect(refused.code).toBe("bad_output");
        expect(path.startsWith(refused.paths[0]!)).toBe(true);
      });
    },
  );

  // case 14
  it.each(["SRC/app.js", "src/App.js", "aux.ts", "a:b", "foo.", "foo ", "a\\b", "evil\u202etxt.js", "line\nbreak"])(
    "refuses the name %j",
    async (path) => {
      await work(baseFiles, async (bench) => {
        put(bench.tree, path, "x");
        expect((await refusal(bench)).code).toBe("bad_output");
      });
    },
  );

  // case 16
  it("names the limit for a huge file, whose bytes it never reads, and for thousands of files", async () => {
    await work(baseFiles, async (bench) => {
      const file = openSync(join(bench.tree, "huge.bin"), "w");
      ftruncateSync(file, 200 * 1024 * 1024);
      closeSync(file);
      const before = process.memoryUsage().rss;
      expect(await refusal(bench)).toMatchObject({
        paths: ["huge.bin"],
        detail: expect.stringContaining("1048576"),
      });
      expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    });
    await work(baseFiles, async (bench) => {
      mkdirSync(join(bench.tree, "many"));
      for (let index = 0; index < 5_000; index++) writeFileSync(join(bench.tree, "many", `f${index}`), "x");
      expect((await refusal(bench)).detail).toContain("more than 100 changed files");
    });
    await work(baseFiles, async (bench) => {
      for (const name of ["a", "b"]) put(bench.tree, name, "1234567\n".repeat(100_000));
      expect((await refusal(bench)).detail).toContain("1 MiB");
    });
  });

  it("counts what is ignored below folders whose path no call takes any more, and takes the rest", async () => {
    await work(baseFiles, async (bench) => {
      put(bench.tree, "src/new.js", "new\n");
      dig(join(bench.tree, "build"));
      put(bench.tree, "build/out.js", "out\n");
      try {
        const { files, ignoredFiles } = await collect(bench);
        expect(files.map(({ path }) => path)).toEqual(["src/new.js"]);
        expect(ignoredFiles).toBe(1);
      } finally {
        execFileSync("rm", ["-rf", join(bench.tree, "build")]);
      }
    });
  });

  it("refuses what it may not look at, by its path, where the worker is not root", async () => {
    using folder = makeFolder();
    const tree = folder.at("work");
    put(tree, "src/shut/a.js", "a\n");
    put(tree, "src/unread.js", "b\n");
    const bytes = Buffer.from("b\n");
    const base = [{ path: "src/unread.js", mode: "100644", type: "blob" as const, oid: "0".repeat(40), sizeBytes: bytes.length }];
    for (const path of ["src/shut", "src/unread.js"]) chmodSync(join(tree, path), 0);
    chmodSync(folder.path, 0o755);
    const nobody = 65_534;
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(nobody);
    try {
      const { refusals } = await walkTree(async () => new Set(), { folder: tree, base });
      expect(refusals.map(({ path, detail }) => [path, detail])).toEqual([
        ["src/unread.js", "cannot be looked at"],
        ["src/shut", "cannot be looked at"],
      ]);
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(join(tree, "src/shut"), 0o700);
    }
  }); // prettier-ignore

  it("asks git nothing about what only git may name, at any depth and in any case", async () => {
    for (const name of ["src/.git/HEAD", "new/.GIT/config", "new/git~1/x", "new/.git"]) {
      await work(baseFiles, async (bench) => {
        put(bench.tree, name, "x\n");
        expect(await refusal(bench), name).toMatchObject({ code: "bad_output" });
      });
    }
  });
});

/** Folder in folder until no path fits into a call: only a program that walks by handles gets there. */
function dig(folder: string): void {
  mkdirSync(folder);
  const script = 'i=0; while [ $i -lt 30 ]; do mkdir "$1" && cd -P "./$1" || exit 1; i=$((i + 1)); done; : > deep.txt';
  execFileSync("sh", ["-c", script, "dig", "d".repeat(200)], { cwd: folder });
}
