import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { total } from "../run-lanes.ts";
import { runSuite, type Surroundings } from "../run-suite.ts";
import { suites, type Suite } from "../suites.ts";
import { planInstall } from "../system-packages.ts";

const folder = mkdtempSync(join(tmpdir(), "feedback-chat-lanes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const around: Surroundings = {
  root: folder,
  reports: folder,
  env: { NO_COLOR: "1" },
  limitSeconds: 60,
};
const gate = (...command: string[]): Suite => ({
  name: "gate",
  lane: "processes",
  command,
  tests: "gate",
});
const project: Suite = {
  name: "planted",
  lane: "processes",
  command: ["vitest", "run", "--root", folder, "--config", "vitest.config.mjs"],
  tests: { atLeast: 2 },
};

describe("a suite of vitest", () => {
  beforeEach(() =>
    writeFileSync(
      join(folder, "vitest.config.mjs"),
      'export default { test: { include: ["*.test.js"], globals: true } };\n',
    ),
  );
  const plant = (code: string) => writeFileSync(join(folder, "planted.test.js"), code);

  it("counts what passed", async () => {
    plant('it("a", () => {}); it("b", () => {});');
    expect(await runSuite(around, project)).toMatchObject({ passed: 2, failed: 0, skipped: 0 });
  });

  it("counts what failed, and tells it in full", async () => {
    plant('it("a", () => {}); it("b", () => { throw new Error("planted sentence"); });');
    const result = await runSuite(around, project);
    expect(result).toMatchObject({ passed: 1, failed: 1 });
    expect(result.output).toContain("planted sentence");
  });

  it("fails when it runs fewer tests than it must have", async () => {
    plant('it("a", () => {});');
    expect(await runSuite(around, project)).toMatchObject({
      failed: 1,
      complaint: "ran 1 tests, and must have at least 2",
    });
  });

  it("fails when a file cannot be loaded though every test in the others passes", async () => {
    plant('it("a", () => {}); it("b", () => {});');
    writeFileSync(join(folder, "broken.test.js"), 'throw new Error("broken file");');
    const result = await runSuite(around, project);
    rmSync(join(folder, "broken.test.js"));
    expect(result.failed).toBe(1);
    expect(result.output).toContain("broken file");
  });

  it("counts skipped tests by name", async () => {
    plant('it("a", () => {}); it("b", () => {}); it.skip("c", () => {});'.replace(".skip", "['skip']"));
    expect(total([await runSuite(around, project)])).toBe("2 passed, 0 failed, 1 skipped");
  });
});

describe("a gate", () => {
  it("is one test that passed", async () => {
    expect(total([await runSuite(around, gate("true"))])).toBe("1 passed, 0 failed");
  });

  it("is one test that failed when its program fails", async () => {
    expect(total([await runSuite(around, gate("false"))])).toBe("0 passed, 1 failed");
  });

  it("fails when its program does not exist", async () => {
    expect(await runSuite(around, gate("no-such-program"))).toMatchObject({ failed: 1 });
  });

  it("is ended, with what it started, when it runs past its limit", async () => {
    const result = await runSuite({ ...around, limitSeconds: 0.3 }, gate("bash", "-c", "sleep 61 & sleep 61"));
    expect(result).toMatchObject({ failed: 1, complaint: "ran past its time limit and was ended" });
    expect(result.seconds).toBeLessThan(10);
  });
});

describe("the list of suites", () => {
  it("names every suite once and leaves none without a least number of tests", () => {
    expect(new Set(suites.map((suite) => suite.name)).size).toBe(suites.length);
    for (const { tests } of suites) expect(tests === "gate" || tests.atLeast > 0).toBe(true);
  });
});

describe("every test file of the repository", () => {
  it("is run by exactly one suite", () => {
    const root = join(import.meta.dirname, "../..");
    const listed = execFileSync("vitest", ["list", "--filesOnly", "--json"], {
      cwd: root,
      encoding: "utf8",
    });
    const files = JSON.parse(listed) as { file: string; projectName: string }[];
    expect(files.length).toBeGreaterThan(10);
    const patterns = suites.flatMap(({ command }) => command.filter((_, at) => command[at - 1] === "--project"));
    const runs = (pattern: string, project: string) =>
      pattern.startsWith("*") ? project.endsWith(pattern.slice(1)) : pattern === project;
    const wrong = files.filter(
      ({ projectName }) => patterns.filter((pattern) => runs(pattern, projectName)).length !== 1,
    );
    expect(wrong).toEqual([]);
    expect(new Set(files.map(({ file }) => file)).size).toBe(files.length);
  });

  it("is found by one of the projects", () => {
    const root = join(import.meta.dirname, "../..");
    const there = globSync("{packages/*,control-plane,cli,bench}/**/*.test.{ts,tsx}", {
      cwd: root,
      exclude: (path) => /(^|[/])(node_modules|dist|fixtures|shop)$/.test(path),
    });
    const places = /^(packages[/][^/]+|control-plane|cli|bench)[/](src|test)[/].*[.]test[.]ts$/;
    expect(there.filter((path) => !places.test(path))).toEqual([]);
  });
});

describe("every project of TypeScript", () => {
  it("has a gate of types", () => {
    const root = join(import.meta.dirname, "../..");
    const projects = globSync("{tsconfig.json,{packages/*,control-plane,cli,bench}/**/tsconfig.json}", {
      cwd: root,
      exclude: (path) => /(^|[/])(node_modules|dist|fixtures|shop)$/.test(path),
    });
    expect(projects).toContain("tsconfig.json");
    const checked = suites.flatMap(({ command: [program, , project] }) => (program === "tsc" ? [project] : []));
    expect(new Set(checked)).toEqual(new Set(projects));
  });
});

describe("missing programs", () => {
  it("are installed as root on Debian, and told elsewhere", () => {
    expect(planInstall(["chromium"], { isRoot: true, hasApt: true })).toBe("install");
    expect(planInstall(["chromium"], { isRoot: false, hasApt: true })).toBe("tell");
    expect(planInstall(["chromium"], { isRoot: true, hasApt: false })).toBe("tell");
    expect(planInstall([], { isRoot: false, hasApt: false })).toBe("nothing");
  });
});
