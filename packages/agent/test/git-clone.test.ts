import { lstatSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asRunFailure } from "../src/ports/run-failure.ts";
import { makeFolder, makeRepository, type TestFolder, type TestRepository } from "./git/make-repository.ts";
import { openClone } from "./git/open-clone.ts";

/** By one process, where a commit of the fixture's starts one a file. */
function commitMany({ git }: TestRepository, names: string[]): string {
  const files = names.map((name) => `M 100644 inline ${name}\ndata ${name.length + 4}\nof ${name}\n\n`).join("");
  const head = "commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 4\nmany\n";
  git(["fast-import", "--quiet", "--force"], `${head}${files}`);
  return git(["rev-parse", "refs/heads/main"]);
}

/** The one mirror in the cache: named by the repository's id and address. */
function mirrorOf({ at }: TestFolder): string {
  return readdirSync(at("cache")).find((name) => /^7\.[0-9a-f]{16}\.git$/.test(name)) ?? "none";
}

describe("cloneRepository", () => {
  it("fixes the base commit and exports it byte for byte, whatever its attributes say", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const sha = origin.commit({
      ".gitattributes":
        "[attr]wide working-tree-encoding=UTF-16\n* text eol=crlf ident\nsecret.txt export-ignore\n" +
        "version.txt export-subst\n*.bin filter=lfs diff=lfs merge=lfs\nwide.txt wide\n",
      "deep/.gitattributes": "* text eol=crlf working-tree-encoding=UTF-16 ident\n",
      "deep/wide.txt": "$Id$\n",
      "wide.txt": "$Id$\n",
      "readme.md": "one\ntwo\n",
      "secret.txt": "kept\n",
      "version.txt": "$Format:%H$\n",
      "big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n",
      "run.sh": { script: "#!/bin/sh\n" },
      "deep/er/link": { link: "../../readme.md" },
      "Latin-\xe9.txt": "name\n",
    });
    await using repository = await openClone(folder, origin);
    expect(repository.baseSha).toBe(sha);
    expect(repository.baseRef).toBe("main");

    const tree = folder.at("tree");
    await repository.exportTree(sha, tree);
    expect(readFileSync(join(tree, "readme.md"), "utf8")).toBe("one\ntwo\n");
    for (const name of ["wide.txt", "deep/wide.txt"]) expect(readFileSync(join(tree, name), "utf8")).toBe("$Id$\n");
    expect(readFileSync(join(tree, "secret.txt"), "utf8")).toBe("kept\n");
    expect(readFileSync(join(tree, "version.txt"), "utf8")).toBe("$Format:%H$\n");
    expect(readFileSync(join(tree, "big.bin"), "utf8")).toContain("git-lfs");
    expect(lstatSync(join(tree, "run.sh")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(tree, "deep/er/link"))).toBe("../../readme.md");
    expect(readdirSync(tree, { encoding: "buffer" }).map((name) => name.toString("latin1"))).toContain(
      "Latin-\xe9.txt",
    );
    expect(readdirSync(tree)).not.toContain(".git");
    expect(Buffer.from((await repository.readFile(sha, "readme.md")) ?? []).toString()).toBe("one\ntwo\n");
    expect(await repository.readFile(sha, "deep/er/link")).toBeNull();
    expect(await repository.readFile(sha, "absent")).toBeNull();
  });

  it("exports thousands of files, and the tree of a change beside them", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const names = Array.from({ length: 3_000 }, (_, at) => `many/d${at % 7}/f${at}.txt`);
    origin.commit({ "a.txt": "1" });
    const sha = commitMany(origin, names);
    await using repository = await openClone(folder, origin);
    await Promise.all(["one", "two"].map((name) => repository.exportTree(sha, folder.at(name))));
    for (const name of names) expect(readFileSync(folder.at("two", name), "utf8")).toBe(`of ${name}\n`);
    expect(readdirSync(repository.gitDir)).not.toContainEqual(expect.stringContaining("export-"));
  });

  it("refuses a base with a name that would be git's own, and writes none of it", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    origin.commit({ "a.txt": "1" });
    const blob = origin.git(["hash-object", "-w", "--stdin"], "planted");
    const inner = origin.git(["mktree"], `100644 blob ${blob}\tconfig\n`);
    const tree = origin.git(["mktree"], `040000 tree ${inner}\t.GIT\n100644 blob ${blob}\ta.txt\n`);
    origin.git(["update-ref", "refs/heads/main", origin.git(["commit-tree", tree, "-m", "planted"])]);
    await using repository = await openClone(folder, origin);
    const refused = await repository.exportTree(repository.baseSha, folder.at("tree")).then(() => null, asRunFailure);
    expect(refused).toMatchObject({ code: "clone", paths: [".GIT/config"] });
    expect(readdirSync(folder.at("tree"))).toEqual([]);
  });

  it("follows the branch from run to run and still gives a resumed run its own commit", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const first = origin.commit({ "a.txt": "1" });
    await using before = await openClone(folder, origin);
    const second = origin.commit({ "a.txt": "2" });
    await using after = await openClone(folder, origin, { baseRef: "main" });
    await using resumed = await openClone(folder, origin, { baseRef: "main", baseSha: first });
    expect([before.baseSha, after.baseSha, resumed.baseSha]).toEqual([first, second, first]);
    expect(Buffer.from((await resumed.readFile(first, "a.txt")) ?? []).toString()).toBe("1");
  });

  it("gives nothing of a mirror to who cannot read the repository now, whatever commit they name", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const sha = origin.commit({ "private.txt": "1" });
    await (await openClone(folder, origin))[Symbol.asyncDispose]();
    const failure = (more: Parameters<typeof openClone>[2], of = origin) =>
      openClone(folder, of, { baseRef: "main", baseSha: sha, ...more }).then(() => null, asRunFailure);
    // A repository of one's own under the other's number, as a delivery could claim it.
    const own = makeRepository(folder, "own.git");
    own.commit({ "mine.txt": "1" });
    expect(await failure({}, own)).toMatchObject({ code: "clone" });
    // The right to read it is gone.
    renameSync(origin.gitDir, folder.at("moved.git"));
    expect(await failure({})).not.toBeNull();
    renameSync(folder.at("moved.git"), origin.gitDir);
    await using resumed = await openClone(folder, origin, { baseRef: "main", baseSha: sha });
    expect(resumed.baseSha).toBe(sha);
  });

  it("makes a broken mirror anew", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const sha = origin.commit({ "a.txt": "1" });
    await (await openClone(folder, origin))[Symbol.asyncDispose]();
    const packs = folder.at("cache", mirrorOf(folder), "objects/pack");
    expect(readdirSync(packs).length).toBeGreaterThan(0);
    for (const name of readdirSync(packs)) writeFileSync(join(packs, name), "not a pack");
    await using repository = await openClone(folder, origin);
    expect(Buffer.from((await repository.readFile(sha, "a.txt")) ?? []).toString()).toBe("1");
  });

  it("leaves a run readable when the mirror goes away under it", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const sha = origin.commit({ "a.txt": "1" });
    await using repository = await openClone(folder, origin);
    rmSync(folder.at("cache"), { recursive: true });
    expect(Buffer.from((await repository.readFile(sha, "a.txt")) ?? []).toString()).toBe("1");
  });

  it("lets two runs of one repository start at once, and takes over a dead run's lock", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    const sha = origin.commit({ "a.txt": "1" });
    await (await openClone(folder, origin))[Symbol.asyncDispose]();
    const mirror = mirrorOf(folder);
    rmSync(folder.at("cache", mirror), { recursive: true });
    writeFileSync(folder.at("cache", `${mirror}.lock`), JSON.stringify({ pid: 2 ** 22 + 1, id: "dead" }));
    const clones = await Promise.all([openClone(folder, origin), openClone(folder, origin), openClone(folder, origin)]);
    expect(clones.map(({ baseSha }) => baseSha)).toEqual([sha, sha, sha]);
    for (const clone of clones) await clone[Symbol.asyncDispose]();
    expect(readdirSync(folder.at("cache"))).toEqual([mirror]);
  });

  it("says that a repository is empty, and that a base branch is gone", async () => {
    using folder = makeFolder();
    const empty = makeRepository(folder, "empty.git");
    const emptied = await openClone(folder, empty).catch(asRunFailure);
    expect(emptied).toMatchObject({ code: "clone", detail: expect.stringContaining("empty") });
    const origin = makeRepository(folder);
    origin.commit({ "a.txt": "1" });
    const gone = await openClone(folder, origin, { baseRef: "release" }).catch(asRunFailure);
    expect(gone).toMatchObject({ code: "clone", detail: expect.stringContaining('"release"') });
  });

  it("speaks no protocol that was not allowed", async () => {
    using folder = makeFolder();
    const origin = makeRepository(folder);
    origin.commit({ "a.txt": "1" });
    const { runGit } = await import("../src/git/run-git.ts");
    const signal = new AbortController().signal;
    const args = ["ls-remote", "--", origin.url];
    await expect(runGit({ signal }, args, { gitDir: null })).rejects.toThrow("transport 'file' not allowed");
    expect((await runGit({ signal, protocols: ["file"] }, args, { gitDir: null })).toString()).toContain(
      "refs/heads/main",
    );
  });
});
