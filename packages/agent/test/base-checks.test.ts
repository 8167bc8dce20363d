import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRedactor } from "../src/core/redact.ts";
import type { RunRepository } from "../src/ports/git.ts";
import { ignoring } from "../src/platform/ignoring.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { startBaseChecks, type BaseChecks, type BaseChecksInput } from "../src/stages/base-checks.ts";
import { nothingNeeded } from "../src/stages/deps.ts";
import { makeFolder, makeRepository, type TestFolder } from "./git/make-repository.ts";
import { openClone } from "./git/open-clone.ts";
import { limits, openSandbox, until } from "./open-sandbox.ts";

const chainOf = (script: string, folder = "") => ({
  folder,
  checks: [{ name: "test", command: ["sh", "-c", script] }],
});

describe("the checks of the base", () => {
  let folder: TestFolder;
  let repository: RunRepository;
  let opened: Awaited<ReturnType<typeof openSandbox>>;
  let count = 0;
  beforeAll(async () => {
    folder = makeFolder("agent-base-checks-");
    const origin = makeRepository(folder);
    origin.commit({ "a.txt": "good\n", "packages/a/b.txt": "b\n" });
    repository = await openClone(folder, origin);
    opened = await openSandbox();
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const newFolder = () => folder.at(`kept-${(count += 1)}`);
  function start(more: Partial<BaseChecksInput> & { keptIn?: string; signal?: AbortSignal } = {}) {
    const { keptIn = newFolder(), signal = new AbortController().signal, ...input } = more;
    const lines: string[] = [];
    const deps = {
      sandbox: opened.sandbox, clock: systemClock(), redactor: makeRedactor([]), signal,
      log: (_: string, line: string) => void lines.push(line),
    }; // prettier-ignore
    const base = startBaseChecks(deps, {
      repository, layers: nothingNeeded, likely: [], kept: { folder: keptIn, repositoryId: 7 },
      job: { name: "check", slot: 3 }, limits, totalSeconds: 60, ...input,
    }); // prettier-ignore
    return { base, lines };
  }
  const judge = async (base: BaseChecks, script: string) =>
    (await base.judge([chainOf(script)], { endsAtMs: performance.now() + 60_000 })[0])?.map(({ side }) => side.outcome);

  /** One run whose agent is over when the checks start. */
  async function once(keptIn: string, script: string, more: Partial<BaseChecksInput> = {}) {
    const { base, lines } = start({ keptIn, ...more });
    await using _ = base;
    const outcomes = await judge(base, script);
    return { outcomes, hasRun: lines.some((line) => line.startsWith("test on the base")) };
  }

  it("run while the agent works, and are not run again for the change", async () => {
    const { base, lines } = start({ likely: [chainOf("grep -q good a.txt")] });
    await using _ = base;
    await until(() => lines.length > 0);
    expect(await judge(base, "grep -q good a.txt")).toEqual(["passed"]);
    expect(lines).toHaveLength(1);
  });

  it("are known in the next run of the same base", async () => {
    const keptIn = newFolder();
    expect(await once(keptIn, "true")).toEqual({ outcomes: ["passed"], hasRun: true });
    expect(await once(keptIn, "true")).toEqual({ outcomes: ["passed"], hasRun: false });
  });

  it("are known as failed only when two runs have seen it", async () => {
    const keptIn = newFolder();
    for (const hasRun of [true, true, false, false])
      expect(await once(keptIn, "echo no; false")).toEqual({ outcomes: ["failed"], hasRun });
  });

  it("that failed beside the agent are run again alone, and what they come to then counts", async () => {
    // Every sandbox sees the same folder, in which there is something only after the agent.
    const shared = join(opened.rootFolder, "shared");
    mkdirSync(shared);
    const flaky = "test -e /shared/calm";
    const layers = { ...nothingNeeded, mounts: [{ host: shared, inside: "/shared" }] };
    const keptIn = newFolder();
    const { base, lines } = start({
      keptIn,
      layers,
      likely: [chainOf(flaky), chainOf("echo no; false", "packages/a")],
    });
    await using _ = base;
    await until(() => lines.length === 2);
    expect(lines.every((line) => line.startsWith("test on the base: failed"))).toBe(true);
    writeFileSync(join(shared, "calm"), "");
    const both = base.judge([chainOf(flaky), chainOf("echo no; false", "packages/a")], {
      endsAtMs: performance.now() + 60_000,
    });
    expect((await Promise.all(both)).flat().map(({ side }) => side.outcome)).toEqual(["passed", "failed"]);
    // Seen twice, it is known from now on.
    const next = start({ keptIn, layers });
    await using __ = next.base;
    const known = next.base.judge([chainOf("echo no; false", "packages/a")], { endsAtMs: performance.now() + 60_000 });
    expect((await Promise.all(known)).flat().map(({ side }) => side.outcome)).toEqual(["failed"]);
    expect(next.lines).toEqual(["On the base, known from an earlier run: test failed."]);
  });

  const others: [string, { script?: string; repositoryId?: number } & Partial<BaseChecksInput>][] = [
    ["another command", { script: "true " }],
    ["other packages", { layers: { ...nothingNeeded, hash: "other" } }],
    ["another Node", { layers: { ...nothingNeeded, node: { ...nothingNeeded.node, version: "20.20.2" } } }],
    ["other limits", { limits: { ...limits, processes: 200 } }],
    ["another repository", { repositoryId: 8 }],
  ];
  it.each(others)("are run again with %s", async (_, { script = "true", repositoryId = 7, ...more }) => {
    const keptIn = newFolder();
    await once(keptIn, "true");
    const kept = { folder: keptIn, repositoryId };
    expect(await once(keptIn, script, { kept, ...more })).toMatchObject({ hasRun: true });
  });

  it("are not kept where nobody knows which packages they ran with", async () => {
    const keptIn = newFolder();
    const layers = { ...nothingNeeded, hash: null };
    await once(keptIn, "true", { layers });
    expect(await once(keptIn, "true", { layers })).toMatchObject({ hasRun: true });
  });

  it("are not kept when they failed beside an agent, nor when their time was over", async () => {
    const keptIn = newFolder();
    const { base, lines } = start({ keptIn, likely: [chainOf("echo slow; false")] });
    await until(() => lines.length > 0);
    await base[Symbol.asyncDispose]();
    expect(await once(keptIn, "echo slow; false")).toMatchObject({ hasRun: true });
    const short = { limits: { ...limits, wallSeconds: 1 } };
    expect(await once(keptIn, "sleep 20", short)).toEqual({ outcomes: ["timed_out"], hasRun: true });
    expect(await once(keptIn, "sleep 20", short)).toMatchObject({ hasRun: true });
  });

  it("are run again when what was kept is old, or is not what we wrote", async () => {
    const keptIn = newFolder();
    await once(keptIn, "true");
    const [name = ""] = readdirSync(keptIn);
    const path = `${keptIn}/${name}`;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    for (const content of [
      "",
      "{",
      text.replace(/"key":"./, '"key":"x'),
      text.replace(/"results":\[.*\]/, '"results":[]'),
    ]) {
      writeFileSync(path, content);
      expect(await once(keptIn, "true"), content).toMatchObject({ hasRun: true });
    }
    expect(await once(keptIn, "true")).toMatchObject({ hasRun: false });
    const old = Date.now() / 1000 - 8 * 24 * 3_600;
    utimesSync(path, old, old);
    expect(await once(keptIn, "true")).toMatchObject({ hasRun: true });
  });

  it("keep no more than the newest 200 results", async () => {
    const keptIn = newFolder();
    await once(keptIn, "true");
    const [first = ""] = readdirSync(keptIn);
    for (let index = 0; index < 220; index += 1) writeFileSync(`${keptIn}/old-${index}.json`, "{}");
    const old = Date.now() / 1000 - 3_600;
    utimesSync(`${keptIn}/${first}`, old, old);
    await once(keptIn, "echo");
    const left = readdirSync(keptIn);
    expect(left).toHaveLength(200);
    expect(left).not.toContain(first);
  });

  it("are ended when they do not judge the change, so that those that do can run", async () => {
    const { base, lines } = start({ likely: [chainOf("sleep 50"), chainOf("sleep 51", "packages/a")] });
    await using _ = base;
    expect(await judge(base, "true")).toEqual(["passed"]);
    expect(lines).toEqual([expect.stringMatching(/^test on the base: passed/)]);
  });

  it("are ended with the run, and leave no process", async () => {
    const stopping = new AbortController();
    const { base } = start({ likely: [chainOf("sleep 52")], signal: stopping.signal });
    await until(() => isRunning("sleep\u000052"));
    stopping.abort("cancelled");
    await base[Symbol.asyncDispose]();
    expect(isRunning("sleep\u000052")).toBe(false);
  });
});

function isRunning(words: string): boolean {
  return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && commandOf(pid).startsWith(words));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch (error) {
    ignoring("ENOENT", "ESRCH")(error); // it has just ended
    return "";
  }
}
