import { execFileSync } from "node:child_process";
import type { Run } from "@feedback-chat/protocol/run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mend, openWorld, type World } from "../src/open-world.ts";

const opened = new AsyncDisposableStack();
let world: World;

/**
 * Mends the shop at first. At a reviewer's word it writes down what it was given; the tree has the earlier change then,
 * so the mend finds nothing to do again.
 */
const script = `
if [ -f /task/change-request.json ]; then
  cat /task/change-request.json >> /work/src/asked.txt
  grep -c 'priceCents \\* line.quantity' /task/previous.diff /work/src/cart.js >> /work/src/asked.txt
else
  ${mend}
fi`;

beforeAll(async () => {
  world = opened.use(
    await openWorld({
      databaseUrl: process.env["TEST_DATABASE_URL"],
      settings: { checks: [], publish: "hold" },
      engineCommand: ["sh", "-c", script],
    }),
  );
  await world.startWorker();
}, 60_000);
afterAll(() => opened.disposeAsync());

const isHeld = ({ waitingFor }: Run) => waitingFor === "approval";
const isOpen = ({ stage }: Run) => stage === "preview_ready";

const inRepository = (...args: string[]) => execFileSync("git", args, { cwd: world.gitDir, encoding: "utf8" }).trim();
const pullsOf = (branch: string) => world.github.lookAt(world.fullName).pulls.filter(({ head }) => head === branch);

/** The next run of the project, once `is` holds of it. */
async function nextRun(what: string, is: (run: Run) => boolean): Promise<Run> {
  const before = new Set((await world.runs()).map(({ id }) => id));
  world.openIssue();
  return world.runThat(what, (run) => !before.has(run.id) && is(run));
}

describe("a person's request for changes", () => {
  it("S0.17: goes on from the change that was held, and nothing is pushed before the approval", async () => {
    const { id } = await nextRun("held", isHeld);
    const { branch } = await world.runOf(id);
    await world.act(id, "request_changes", "Say what you were asked.");
    const held = await world.runThat("held again", (run) => run.id === id && isHeld(run));
    expect((await world.runOf(id)).timeline.filter(({ event }) => event === "held")).toHaveLength(2);
    expect(held.prNumber).toBeNull();
    expect(pullsOf(branch)).toEqual([]);

    await world.act(id, "approve");
    await world.runThat("open", (run) => run.id === id && isOpen(run));
    expect(inRepository("rev-list", "--count", `main..${branch}`)).toBe("1");
    expect(inRepository("show", `${branch}:src/asked.txt`)).toMatch(/"Say what you were asked\."/);
  });

  it("S0.17: puts one more commit on the same branch of the same pull request", async () => {
    await world.patchSettings({ publish: "auto" });
    const { id, prNumber } = await nextRun("open", isOpen);
    const { branch } = await world.runOf(id);
    const first = inRepository("rev-parse", branch);

    await world.act(id, "request_changes", "Round it up.");
    const again = await world.runThat(
      "open again",
      (run) => run.id === id && isOpen(run) && inRepository("rev-parse", branch) !== first,
    );
    expect(again.prNumber).toBe(prNumber);
    expect(inRepository("rev-parse", `${branch}^`)).toBe(first);
    const asked = inRepository("show", `${branch}:src/asked.txt`);
    expect(asked).toContain('"text": "Round it up."');
    expect(asked, "the earlier change was applied, and shown as a diff").toMatch(/previous\.diff:1\n.*cart\.js:1/);
    expect(pullsOf(branch)).toMatchObject([{ number: prNumber, headSha: inRepository("rev-parse", branch) }]);
    expect(pullsOf(branch)[0]?.body).toContain("src/asked.txt");
  });

  it("stops where a person has committed to the branch meanwhile, and leaves their commit", async () => {
    await world.patchSettings({ publish: "auto" });
    const { id, prNumber } = await nextRun("open", isOpen);
    const { branch } = await world.runOf(id);
    const theirs = await world.github.pushFiles({ repo: world.fullName, branch, files: { "note.txt": "Mine.\n" } });
    await world.act(id, "request_changes", "Round it up.");
    const run = await world.runThat("stopped", (one) => one.id === id && one.stage === "failed");
    expect(run.reasonText).toMatch(/commit/i);
    expect(inRepository("rev-parse", branch)).toBe(theirs);
    expect(pullsOf(branch)).toMatchObject([{ number: prNumber, state: "open" }]);
  });
});

describe("the setting publish", () => {
  it.each([
    ["hold", isHeld],
    ["hold_flagged", isOpen],
    ["auto", isOpen],
  ] as const)("%s brings a clean change of the public to where it says", async (publish, is) => {
    await world.patchSettings({ publish });
    const run = await nextRun(publish, (one) => isHeld(one) || isOpen(one));
    expect([run.stage, run.waitingFor, is(run)]).toEqual([run.stage, run.waitingFor, true]);
    expect((await world.runOf(run.id)).origin).toBe("public");
  });
});
