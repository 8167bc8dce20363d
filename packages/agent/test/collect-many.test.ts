import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { makeRedactor } from "../src/core/redact.ts";
import { asRunFailure } from "../src/ports/run-failure.ts";
import { collectTree } from "../src/stages/collect.ts";
import { makeFolder, makeRepository, put } from "./git/make-repository.ts";
import { fileDeps, openClone } from "./git/open-clone.ts";

const folder = makeFolder();
const program = fileURLToPath(new URL("./fixtures/walk-folder.ts", import.meta.url));

// More than a call takes arguments: `push(...names)` overflows the stack there.
execFileSync("sh", ["-c", "mkdir -p many && cd many && seq 130000 | xargs touch"], { cwd: folder.path });
afterAll(() => void execFileSync("rm", ["-rf", folder.path]));

async function walk(of: "new" | "base") {
  const args = ["--conditions=source", program, folder.path, of];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as { changed: number; deleted: number; refusals: string[]; grownMiB: number };
}

describe("a tree of very many files", () => {
  it("is refused by the named limit, with flat memory", async () => {
    const { refusals, grownMiB } = await walk("new");
    expect(refusals).toEqual(["more than 20000 new files and folders"]);
    expect(grownMiB).toBeLessThan(60);
  });

  it("is walked whole where the base commit has them all", async () => {
    expect(await walk("base")).toMatchObject({ changed: 0, deleted: 0, refusals: [] });
  });
});

describe("an error in collect", () => {
  it("ends the run for good, with its cause", async () => {
    using own = makeFolder();
    const origin = makeRepository(own);
    origin.commit({ "a.txt": "a" });
    await using repository = await openClone(own, origin);
    // A file where the run's scratch belongs: no such error is foreseen.
    put(own.path, "scratch", "a file");
    const error = await collectTree(fileDeps(), {
      repository,
      treeFolder: own.path,
      runFolder: own.at("scratch"),
      protectedPaths: [],
      redactor: makeRedactor([]),
    }).catch((thrown: unknown) => thrown);
    expect(asRunFailure(error)).toMatchObject({ code: "bad_output", isRetryable: false });
    expect(error).toMatchObject({ cause: { code: "ENOTDIR" } });
  });
});
