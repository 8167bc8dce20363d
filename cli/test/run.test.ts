import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { shopFeedback, shopFolder } from "@feedback-chat/demo/shop";
import { atTerminal, heldAnswers } from "@feedback-chat/testing/at-terminal";
import { sedEngine, sedEngineAfter } from "@feedback-chat/testing/open-world";
import { waitUntil } from "@feedback-chat/testing/wait-until";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromSource, type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

let folder: string;
let github: Github;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "feedback-chat-run-"));
  // The sandbox's own user has to get through it.
  chmodSync(folder, 0o711);
  github = await startGithub({ folder: join(folder, "github") });
});
afterAll(async () => {
  await github.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A repository of its own with one issue by a person of the team, and what `run` needs to work on it. */
async function openIssue(home: Home, name: string) {
  const repo = `acme/${name}`;
  await github.createRepository({ owner: "acme", name, fromFolder: shopFolder, roles: { ada: "write" } });
  const { number } = github.openIssue({ repo, author: "ada", ...shopFeedback });
  const env = {
    ...home.env,
    FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(sedEngine),
    // Shared: Node and npm are put there once.
    FEEDBACK_CHAT_DATA: join(folder, "data"),
    GITHUB_TOKEN: github.addToken({ login: "ada" }),
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
  };
  const pulls = () => github.lookAt(repo).pulls;
  const branches = () => Object.keys(github.lookAt(repo).refs).filter((ref) => ref.startsWith("refs/heads/feedback/"));
  return { repo, env, pulls, branches, args: ["run", String(number), "--repo", repo] };
}
const runIdOf = (home: Home) => readdirSync(join(home.folder, ".local/state/feedback-chat/runs"))[0] ?? "";

/** Asks once, then mends only with the right answer. */
const askingEngine = sedEngineAfter(
  `grep -q '"answer"' /task/issue.json || { echo '{"question":"Net or gross?"}' > /task/question.json; exit 0; }
   grep -q '"answer": "gross"' /task/issue.json || exit 1`,
);
const asking = { FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(askingEngine) };
const aTerminal = { CI: "", TERM: "xterm", LC_ALL: "C.UTF-8" };

const phases = ["snapshot", "clone", "deps", "agent", "collect", "validate", "hold", "publish"];
const pushing = { method: "POST", path: /\/git-receive-pack$/ };
const opening = { method: "POST", path: /\/pulls$/ };

describe("run", () => {
  it("takes the folder of its branch, and the packages whose install scripts may run, from its flags", async () => {
    using home = makeHome();
    const { env, args, pulls } = await openIssue(home, "settings");
    const wrong = await runCli([...args, "--branch-prefix", "refs/x"], env);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("branchPrefix") as string });

    const flags = ["--publish", "auto", "--branch-prefix", "robots/fix", "--install-scripts", "sharp", "."];
    expect(await runCli([...args, ...flags], env)).toMatchObject({ code: 0 });
    expect(pulls()[0]?.head).toMatch(/^robots\/fix\/issue-\d+-/);
    const file = join(home.folder, ".local/state/feedback-chat/runs", runIdOf(home), "state.json");
    const { job } = JSON.parse(readFileSync(file, "utf8")) as { job: { settings: { installScripts: string[] } } };
    expect(job.settings.installScripts).toEqual(["sharp", "."]);
  });

  it.concurrent.each(phases)("case 25: kill -9 in %s, then --resume, ends in one pull request", async (phase) => {
    using home = makeHome();
    const { env, args, pulls, branches } = await openIssue(home, `killed-in-${phase}`);
    await using killed = startCli([...args, "--publish", "auto", "--json"], env);
    await killed.said(new RegExp(`"event":"phase_started"[^\\n]*"phase":"${phase}"`));
    killed.kill("SIGKILL");
    await killed.ended;
    const runId = runIdOf(home);
    const { code, stdout, stderr } = await runCli(["run", "--resume", runId, "--publish", "auto"], env);
    expect(code, stderr).toBe(0);
    expect(pulls()).toHaveLength(1);
    expect(branches()).toHaveLength(1);
    expect(stdout).toMatch(/^http\S+\/pull\/\d+\n$/);
  });

  it.concurrent.each([
    { name: "before the push", point: { ...pushing, when: "before" } },
    { name: "after the push", point: { ...pushing, when: "after" } },
    { name: "after the pull request", point: { ...opening, when: "after" } },
  ] as const)(
    "case 25: kill -9 $name reached GitHub, then --resume, ends in one pull request",
    async ({ name, point }) => {
      using home = makeHome();
      const repo = `killed-${name.replaceAll(" ", "-")}`;
      const { env, args, pulls, branches } = await openIssue(home, repo);
      const path = new RegExp(`/${repo}(\\.git)?${point.path.source}`);
      const held = github.holdNext({ ...point, path });
      await using killed = startCli([...args, "--publish", "auto"], env);
      await Promise.race([held.arrived, killed.ended.then((ran) => Promise.reject(new Error(ran.stderr)))]);
      killed.kill("SIGKILL");
      await killed.ended;
      held.drop();
      const { code, stderr } = await runCli(["run", "--resume", runIdOf(home), "--publish", "auto"], env);
      expect(code, stderr).toBe(0);
      await waitUntil("the pull request", () => pulls().length > 0);
      expect(pulls()).toHaveLength(1);
      expect(branches()).toHaveLength(1);
    },
  );

  it.concurrent("holds where nobody can be asked, with 8, and says how to go on", async () => {
    using home = makeHome();
    const { env, args, pulls } = await openIssue(home, "held");
    const held = await runCli(args, env);
    const runId = runIdOf(home);
    expect(held.code, held.stderr).toBe(8);
    expect(held.stdout).toBe("");
    expect(held.stderr).toContain(`Go on with: feedback-chat run --resume ${runId}`);
    expect(pulls()).toEqual([]);

    const second = await runCli(args, env);
    expect(second).toMatchObject({ code: 6, stderr: expect.stringContaining(`--resume ${runId}`) });
    const released = await runCli(["run", "--resume", runId, "--publish", "auto", "--json"], env);
    expect(released.code, released.stderr).toBe(0);
    const last = JSON.parse(released.stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(last).toMatchObject({ type: "run.result", ok: true, runId, stage: "preview_ready" });
    expect(pulls()).toHaveLength(1);
  });

  it.concurrent("takes the answer to its question with --resume and --answer, where nobody can be asked", async () => {
    using home = makeHome();
    const { env, args, pulls } = await openIssue(home, "asked");
    const asked = await runCli([...args, "--publish", "auto"], { ...env, ...asking });
    const runId = runIdOf(home);
    expect(asked.code, asked.stderr).toBe(8);
    expect(asked.stderr).toContain("It asks: Net or gross?");
    expect(asked.stderr).toContain(`Go on with: feedback-chat run --resume ${runId} --answer`);

    const resume = (...more: string[]) =>
      runCli(["run", "--resume", runId, "--publish", "auto", ...more], { ...env, ...asking });
    expect(await resume()).toMatchObject({ code: 8 });
    const answered = await resume("--answer", "gross");
    expect(answered.code, answered.stderr).toBe(0);
    expect(pulls()).toHaveLength(1);
    expect(await resume("--answer", "again")).toMatchObject({ code: 6, stderr: expect.stringContaining("no answer") });
    expect(await resume("--reject")).toMatchObject({ code: 6, stderr: expect.stringContaining("Close it at GitHub") });
  });

  it.concurrent("asks for the answer at a terminal, then whether to publish, keep or reject; a no frees the issue", async () => {
    using home = makeHome();
    const { env, args, pulls, branches } = await openIssue(home, "rejected");
    const withPerson = { ...env, ...asking, ...aTerminal };
    const typed = { asks: /◆ {2}Your answer/, type: "gross\r" };
    const kept = await atTerminal([...fromSource, ...args], withPerson, [typed, ...heldAnswers.keep]);
    expect(kept.code, kept.said).toBe(8);
    expect(kept.said).toContain("The agent asks: Net or gross?");
    const runId = runIdOf(home);
    expect(await runCli(args, env)).toMatchObject({ code: 6, stderr: expect.stringContaining("--reject") });

    const resume = [...fromSource, "run", "--resume", runId];
    const rejected = await atTerminal(resume, withPerson, heldAnswers.reject);
    expect(rejected.code, rejected.said).toBe(1);
    expect(rejected.said).toContain("rejected: You said no.");
    expect(branches()).toEqual([]);

    const again = await atTerminal([...fromSource, ...args], { ...env, ...aTerminal }, heldAnswers.publish);
    expect(again.code, again.said).toBe(0);
    expect(pulls()).toHaveLength(1);
  });

  it.concurrent("shows at the terminal all of a change, also what it would hide there", async () => {
    using home = makeHome();
    const { env, args, branches } = await openIssue(home, "hidden");
    // Between the two a terminal shows nothing: it takes it for a window's title, over as many lines as there are.
    const hiding = sedEngineAfter(String.raw`printf '/*\033]*/\nsteal(); /*\007*/ // \342\200\256eb\n' > title.js`);
    const seen = { ...env, ...aTerminal, FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(hiding) };
    const held = await atTerminal([...fromSource, ...args], seen, heldAnswers.keep);
    expect(held.code, held.said).toBe(8);
    expect(held.said).toContain("+/*<U+001B>]*/");
    expect(held.said).toContain("+steal(); /*<U+0007>*/ // <U+202E>eb");
    expect(held.said).toContain("flag     title.js:1 invisible, controlling");
    expect(held.said).not.toContain("\u001b]");
    expect(branches()).toEqual([]);
  });

  it.concurrent("ends a run that waits with --reject, without a key, and only once", async () => {
    using home = makeHome();
    const { env, args, pulls } = await openIssue(home, "rejected-by-flag");
    expect(await runCli(args, { ...env, ...asking })).toMatchObject({ code: 8 });
    const runId = runIdOf(home);
    const reject = () => runCli(["run", "--resume", runId, "--reject", "--json"], { ...env, GITHUB_TOKEN: "" });
    const rejected = await reject();
    expect(rejected.code, rejected.stdout).toBe(0);
    expect(JSON.parse(rejected.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
      type: "run.result", ok: true, runId, stage: "rejected", reason: "declined", waitingFor: null,
    }); // prettier-ignore
    expect(await reject()).toMatchObject({ code: 6 });
    expect(await runCli([...args, "--reject"], env)).toMatchObject({ code: 2 });
    const again = await runCli([...args, "--publish", "auto"], env);
    expect(again.code, again.stderr).toBe(0);
    expect(pulls()).toHaveLength(1);
  });

  it.concurrent("stops at Ctrl-C with 130, and goes on from there", async () => {
    using home = makeHome();
    const { env, args, pulls } = await openIssue(home, "stopped");
    const slow = { ...env, FEEDBACK_CHAT_ENGINE_COMMAND: '["sh","-c","sleep 100"]' };
    await using stopped = startCli([...args, "--publish", "auto", "--json"], slow);
    await stopped.said(/"phase":"agent"/);
    stopped.kill("SIGINT");
    expect((await stopped.ended).code).toBe(130);
    const { code, stderr } = await runCli(["run", "--resume", runIdOf(home), "--publish", "auto"], env);
    expect(code, stderr).toBe(0);
    expect(pulls()).toHaveLength(1);
  });
});
