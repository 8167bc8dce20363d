import { mkdirSync, renameSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sealLayer } from "../src/stages/seal-layer.ts";
import { makeFolder, type TestFolder } from "./git/make-repository.ts";

function install(folder: TestFolder, name: string) {
  const at = (path: string) => folder.at(`${name}/${path}`);
  mkdirSync(at("pkg/lib"), { recursive: true });
  mkdirSync(at(".bin"));
  writeFileSync(at("pkg/index.js"), "hello");
  symlinkSync("../pkg/index.js", at(".bin/pkg"));
  return at;
}

describe("a sealed layer", () => {
  it("is known again when the same packages are installed elsewhere", async () => {
    using folder = makeFolder("agent-seal-");
    const [one, two] = [install(folder, "one"), install(folder, "two")];
    const first = await sealLayer([one("")]);
    expect(await sealLayer([two("")])).toMatchObject({ hash: first.hash });
    writeFileSync(two("pkg/more.js"), "");
    expect((await sealLayer([two("")])).hash).not.toBe(first.hash);
    await first.requireUnbroken();
  });

  it.each<[string, (at: (path: string) => string) => void]>([
    ["a file is added", (at) => writeFileSync(at("pkg/new.js"), "")],
    [
      "a file is rewritten with as many bytes and the times of before",
      (at) => {
        const { atime, mtime } = statSync(at("pkg/index.js"));
        writeFileSync(at("pkg/index.js"), "jello");
        utimesSync(at("pkg/index.js"), atime, mtime);
      },
    ],
    ["a folder is moved", (at) => renameSync(at("pkg/lib"), at("pkg/dist"))],
  ])("is broken when %s", async (_what, change) => {
    using folder = makeFolder("agent-seal-");
    const at = install(folder, "one");
    const seal = await sealLayer([at("")]);
    await seal.requireUnbroken();
    change(at);
    await expect(seal.requireUnbroken()).rejects.toMatchObject({ code: "sandbox_leaks" });
  });
});
