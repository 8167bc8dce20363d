import { openWorld, sedEngineAfter } from "@feedback-chat/testing/open-world";
import { waitUntil } from "@feedback-chat/testing/wait-until";
import { describe, expect, it } from "vitest";
import { openIdleCutter } from "./support/idle-cutter.ts";
import { makeHome, runCli, startCli } from "./support/run-cli.ts";

const count = 90;
const numbered = Array.from({ length: count }, (_, index) => index + 1);
/** Prints `line 1.` and so on, and is silent for a while at every thirtieth: that is when proxies cut. */
const counting = `node -e 'let n = 0; const next = () => { console.log("line " + ++n + "."); if (n < ${count}) setTimeout(next, n % 30 ? 60 : 4000); }; next()'`;

type Line = { type: string; seq?: number; message?: string };
const linesOf = (stdout: string): Line[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line)
    .filter(({ type }) => type === "log");

describe("logs", () => {
  it("case 20: --follow shows each line once, in order, over a restart, an outage and a proxy that cuts; ends with the run", async () => {
    using home = makeHome();
    await using world = await openWorld({
      databaseUrl: process.env["TEST_DATABASE_URL"],
      figuresScale: 1,
      settings: { publish: "auto", checks: [] },
      engineCommand: sedEngineAfter(counting),
    });
    await using proxy = await openIdleCutter(world.tap.url, 1_500);
    await world.startWorker();
    world.openIssue();
    const { id } = await world.runThat("at work", ({ phase }) => phase === "agent");
    const env = {
      ...home.env,
      FEEDBACK_CHAT_URL: proxy.url,
      FEEDBACK_CHAT_TOKEN: world.token,
      FEEDBACK_CHAT_PROJECT: world.projectId,
    };
    await using followed = startCli(["logs", "--follow", "--json"], env);
    await followed.said(/"line 10\."/);
    await world.kill("server");
    const outage = world.tap.outage();
    await followed.said(/does not answer; trying again/);
    await world.startServer();
    outage.end();
    const { code, stdout, stderr } = await followed.ended;
    expect(code, stderr).toBe(0);
    const lines = linesOf(stdout);
    const ofEngine = lines.flatMap(({ message }) => /^line (\d+)\.$/.exec(message ?? "")?.[1] ?? []);
    expect(ofEngine.map(Number)).toEqual(numbered);
    expect(lines.map(({ seq }) => seq)).toEqual((await world.logsOf(id)).map(({ seq }) => seq));
    expect(proxy.cuts()).toBeGreaterThan(0);
    expect(stderr.match(/trying again/g)?.length).toBeLessThan(5);

    // Afterwards the same lines are there at once, and the last few of them.
    const all = await runCli(["logs", id, "--json"], env);
    expect(linesOf(all.stdout).map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq));
    const tail = await runCli(["logs", id, "--tail", "2", "--follow"], env);
    expect(tail).toMatchObject({ code: 0 });
    expect(tail.stdout.trim().split("\n")).toHaveLength(2);
    expect(tail.stderr).toMatch(/preview_ready .*\/pull\/\d+/);
  }, 180_000);

  it("ends a followed run that failed with 1, and says why", async () => {
    using home = makeHome();
    await using world = await openWorld({
      databaseUrl: process.env["TEST_DATABASE_URL"],
      settings: { publish: "auto", checks: [] },
      engineCommand: ["sh", "-c", "echo 'giving up \u001b[31mred'; exit 3"],
    });
    await world.startWorker();
    world.openIssue();
    const { id } = await waitUntil("a run", async () => (await world.runs())[0]);
    const env = { ...home.env, FEEDBACK_CHAT_URL: world.tap.url, FEEDBACK_CHAT_TOKEN: world.token };
    const { code, stdout, stderr } = await runCli(["logs", id, "--follow"], env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^failed: \S+/m) });
    expect(stdout).toContain("giving up red");
    expect(stdout).not.toContain("\u001b");
  }, 180_000);
});
