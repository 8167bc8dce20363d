import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fill } from "../src/model/choose-step.ts";
import { readScenarios, type Scenario, type ScenarioStep } from "../src/scenario.ts";
import { shopBug, shopFolder } from "../src/shop.ts";

let tree: string;
beforeEach(async () => {
  tree = await mkdtemp(join(tmpdir(), "shop-"));
  await cp(shopFolder, tree, { recursive: true });
});
afterEach(() => rm(tree, { recursive: true }));

/** Names of the tests that are red and how many there are, by the shop's own runner. */
function runTests(): Promise<{ red: string[]; count: number }> {
  const { promise, resolve } = Promise.withResolvers<{ red: string[]; count: number }>();
  // vitest's own variables would make the inner runner report in another way.
  execFile(
    process.execPath,
    ["--test", "--test-reporter=tap"],
    { cwd: tree, env: { PATH: process.env["PATH"] } },
    (_, stdout) => {
      const lines = [...stdout.matchAll(/^(not ok|ok) \d+ - (.*?)(?: # SKIP.*)?$/gm)];
      resolve({
        red: lines.filter(([, word]) => word === "not ok").map(([, , name]) => name!),
        count: lines.length,
      });
    },
  );
  return promise;
}

/** Does to the tree what the steps' Edit and Write would. */
async function play(steps: ScenarioStep[]): Promise<void> {
  for (const { name, input } of fill(steps, { tree, task: join(tree, "..") }).flatMap(({ tools }) => tools)) {
    if (name !== "Edit") continue;
    const { file_path: file, old_string: before, new_string: after } = input as Record<string, string>;
    const text = await readFile(file!, "utf8");
    expect(text.split(before!).length, `"${before}" stands once in ${file}`).toBe(2);
    await writeFile(
      file!,
      text.replace(before!, () => after!),
    );
  }
}

describe("the shop", () => {
  it("has one red test because of its one bug", async () => {
    expect(await runTests()).toEqual({ red: [shopBug.test], count: 6 });
  });
});

describe("the scenarios", () => {
  const steps = async (name: string, part: (scenario: Scenario) => ScenarioStep[] = ({ steps: usual }) => usual) =>
    part((await readScenarios())[name]!);

  it("are all there, and all begin by reading the task", async () => {
    const all = await readScenarios();
    expect(Object.keys(all)).toEqual(
      expect.arrayContaining([
        "fix-cart",
        "ask-question",
        "never-ends",
        "break-build",
        "read-environment",
        "overloaded",
        "touch-protected",
        "delete-tests",
      ]),
    );
    for (const { name, steps: usual, whenSeen } of Object.values(all)) {
      if (name === "overloaded") continue;
      for (const list of [usual, ...whenSeen.map((seen) => seen.steps)])
        expect(list[0]?.tools, name).toEqual([{ name: "Read", input: { file_path: "{{task}}/issue.json" } }]);
    }
  });

  it("fix-cart turns the red test green and adds one", async () => {
    await play(await steps("fix-cart"));
    expect(await runTests()).toEqual({ red: [], count: 7 });
  });

  it("break-build makes more tests red, and break-then-repair heals them in the second round", async () => {
    await play(await steps("break-build"));
    expect((await runTests()).red.length).toBeGreaterThan(1);
    await play(await steps("break-then-repair", ({ whenSeen }) => whenSeen[0]!.steps));
    expect((await runTests()).red).toEqual([]);
  });

  it("delete-tests leaves the bug and no red test", async () => {
    await play(await steps("delete-tests"));
    expect((await runTests()).red).toEqual([]);
    expect(await readFile(join(tree, shopBug.file), "utf8")).toBe(
      await readFile(join(shopFolder, shopBug.file), "utf8"),
    );
  });

  it("touch-protected changes the test script beside the fix", async () => {
    await play(await steps("touch-protected"));
    expect(await readFile(join(tree, "package.json"), "utf8")).toContain('"test": "true"');
  });
});
