import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { type Attack, type AttackOptions, openAttack } from "../../src/open-attack.ts";
import { sedEngine, sedEngineAfter } from "../../src/open-world.ts";
import type { LocalRun } from "../../src/read-local-run.ts";

const dataFolder = inject("dataFolder");
const repo = "acme/shop";
const open = (more: Partial<AttackOptions> = {}) => openAttack({ dataFolder, engineCommand: sedEngine, ...more });

/** A run whose change is judged and shown, and waits; whatever happens on GitHub now happens before its publishing. */
async function openHeld(
  more: Partial<AttackOptions> = {},
): Promise<{ attack: Attack; held: LocalRun; branch: string }> {
  const attack = await open(more);
  const held = await attack.run(["--publish", "hold"]);
  expect(held.code, held.said).toBe(8);
  return { attack, held, branch: held.result?.branch ?? "" };
}

const contentOf = (attack: Attack, ref: string, path: string) => attack.git("show", `${ref}:${path}`);
const ours = (attack: Attack) => attack.refs().filter((ref) => ref.startsWith("refs/heads/feedback/"));

function expectTruthfulFailure(attack: Attack, run: LocalRun, reason: string, words: RegExp): void {
  expect(run.result, run.said).toMatchObject({ stage: "failed", reason, prUrl: null });
  expect(run.result?.reasonText).toMatch(words);
  expect(run.code).toBe(1);
  expect(attack.pulls()).toEqual([]);
  // Nothing of the work is lost.
  expect(readFileSync(join(run.runFolder, "artifacts/diff.patch"), "utf8")).toContain("line.quantity");
}

describe.concurrent("a branch or pull request that is not as we left it", () => {
  it("case 33: a foreign commit on our branch's name stays untouched, and the change goes beside it", async () => {
    const { attack, held, branch } = await openHeld();
    await using _ = attack;
    const foreign = await attack.github.pushFiles({ repo, branch, files: { "theirs.txt": "theirs\n" }, by: "ada" });
    const run = await attack.resume(held);
    expect(run.code, run.said).toBe(0);
    expect(attack.github.lookAt(repo).refs[`refs/heads/${branch}`]).toBe(foreign);
    const [pull] = attack.pulls();
    expect(pull?.head).not.toBe(branch);
    expect(contentOf(attack, pull?.head ?? "", "src/cart.js")).toContain("line.quantity");
    expect(ours(attack)).toHaveLength(2);
  });

  it("a branch called as our folder is named before the agent starts, and the change goes beside it", async () => {
    await using attack = await open();
    attack.git("update-ref", "refs/heads/feedback", "main");
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    expect(run.lines.join("\n")).toContain('The branch "feedback" is in the way');
    const [pull] = attack.pulls();
    expect(pull?.head).toMatch(/^feedback-issue-\d+-[a-z0-9]+$/);
    expect(contentOf(attack, pull?.head ?? "", "src/cart.js")).toContain("line.quantity");
  });

  it("case 34: a base that moved on under the change is named in the pull request, on the recorded commit", async () => {
    const { attack, held } = await openHeld();
    await using _ = attack;
    const recorded = attack.git("rev-parse", "main").trim();
    const conflict = "export function cartTotal() {\n  return 0;\n}\n";
    await attack.github.pushFiles({ repo, branch: "main", files: { "src/cart.js": conflict }, by: "ada" });
    const run = await attack.resume(held);
    expect(run.code, run.said).toBe(0);
    const [pull] = attack.pulls();
    expect(attack.git("rev-parse", `${pull?.head}^`).trim()).toBe(recorded);
    expect(pull?.body).toMatch(/base branch has moved on.*there may be conflicts/s);
  });

  it("case 34: a base that is gone ends the run with that reason", async () => {
    const attack = await open();
    await using _ = attack;
    await attack.github.pushFiles({ repo, branch: "release", files: { "r.txt": "r\n" } });
    const held = await attack.run(["--publish", "hold", "--base", "release"]);
    expect(held.code, held.said).toBe(8);
    await attack.github.deleteBranch({ repo, branch: "release" });
    expectTruthfulFailure(attack, await attack.resume(held), "github_refused", /release/);
  });

  it("case 35: the run's own open pull request is adopted after a kill", async () => {
    await using attack = await open();
    const opening = attack.github.holdNext({ method: "POST", path: /\/pulls$/, when: "after" });
    const program = attack.start(["run", String(attack.issueNumber), "--repo", repo, "--json", "--publish", "auto"]);
    await opening.arrived;
    program.kill("SIGKILL");
    const killed = await attack.ended(program);
    opening.drop();
    expect(attack.pulls()).toHaveLength(1);
    const again = await attack.resume(killed);
    expect(again.code, again.said).toBe(0);
    expect(attack.pulls()).toHaveLength(1);
    expect(again.result?.prUrl).toContain(`/pull/${attack.pulls()[0]?.number}`);
  });

  it("case 35: a pull request that a person closed meanwhile is not opened again", async () => {
    await using attack = await open();
    const opening = attack.github.holdNext({ method: "POST", path: /\/pulls$/, when: "after" });
    const program = attack.start(["run", String(attack.issueNumber), "--repo", repo, "--json", "--publish", "auto"]);
    await opening.arrived;
    program.kill("SIGKILL");
    const killed = await attack.ended(program);
    opening.drop();
    await attack.github.closePull({ repo, number: attack.pulls()[0]?.number ?? 0 });
    const again = await attack.resume(killed);
    expect(again.result, again.said).toMatchObject({ reason: "pull_closed" });
    expect(attack.pulls()).toMatchObject([{ state: "closed" }]);
  });

  it("case 36: a renamed repository is followed", async () => {
    const { attack, held } = await openHeld();
    await using _ = attack;
    attack.github.renameRepository({ repo, name: "store" });
    const run = await attack.resume(held);
    expect(run.code, run.said).toBe(0);
    expect(attack.github.lookAt("acme/store").pulls).toHaveLength(1);
  });

  it("case 36: an archived and an empty repository end truthfully", async () => {
    const { attack, held } = await openHeld();
    await using _ = attack;
    attack.github.archiveRepository({ repo });
    expectTruthfulFailure(attack, await attack.resume(held), "github_refused", /archived/);

    const { github } = attack;
    await github.createRepository({ owner: "acme", name: "empty", roles: { ada: "write" } });
    const { number } = github.openIssue({
      repo: "acme/empty",
      author: "ada",
      title: "Begin",
      labels: ["auto-implement"],
    });
    const run = await attack.ended(
      attack.start(["run", String(number), "--repo", "acme/empty", "--json", "--publish", "auto"]),
    );
    expect(run.code, run.said).toBe(1);
    expect(run.said).toMatch(/empty|no commit/i);
    expect(github.lookAt("acme/empty").pulls).toEqual([]);
  });
});

type Row = [says: string, plant: (attack: Attack, branch: string) => void, reason: string, words: RegExp];
const pulls = { method: "POST", path: /\/pulls$/ };
const refusals: Row[] = [
  ["401", ({ github, secrets }) => github.revokeToken(secrets.token), "github_access", /not accept|token/i],
  ["403 without the permission", ({ github }) => github.failNext({ ...pulls, status: 403, headers: { "x-accepted-github-permissions": "pull_requests=write" }, body: { message: "Resource not accessible by personal access token" } }), "github_access", /pull_requests|pull requests/i],
  ["404", ({ github }) => github.setRole({ repo, login: "ada", role: "read" }), "github_access", /./],
  ["422 of another kind", ({ github }) => github.failNext({ ...pulls, status: 422, body: { message: "Validation Failed", errors: [{ message: "A rule\u001b[31m says no" }] } }), "github_refused", /rule/i],
  ["a protected branch", ({ github }, branch) => github.protectBranch({ repo, branch }), "github_refused", /GH006|protected/i],
]; // prettier-ignore

describe.concurrent("what GitHub says to the publisher", () => {
  it.each(refusals)(
    "case 37: %s stops the run, truthfully, with the diff kept",
    async (_says, plant, reason, words) => {
      const { attack, held, branch } = await openHeld();
      await using _ = attack;
      plant(attack, branch);
      const run = await attack.resume(held);
      expectTruthfulFailure(attack, run, reason, words);
      expect(run.result?.reasonText).not.toContain("\u001b");
    },
  );

  it.each([
    ["403 with retry-after", { ...pulls, status: 403, headers: { "retry-after": "60" }, body: { message: "You have exceeded a secondary rate limit" } }],
    ["429", { ...pulls, status: 429, headers: { "retry-after": "60" }, body: { message: "Too many requests" } }],
  ])("case 37: %s parks the run until then, and it goes on from there", async (_says, fault) => {
    const { attack, held } = await openHeld();
    await using _ = attack;
    attack.github.failNext(fault);
    const parked = await attack.resume(held);
    expect(parked.result, parked.said).toMatchObject({ stage: "validating", waitingFor: "github" });
    expect(parked.code).toBe(8);
    const run = await attack.resume(held);
    expect(run.code, run.said).toBe(0);
    expect([attack.pulls().length, ours(attack).length]).toEqual([1, 1]);
  }); // prettier-ignore

  it("case 37: after a 5xx whose act was done it looks again: branch and pull request are adopted, and nothing is repeated", async () => {
    const { attack, held } = await openHeld();
    await using _ = attack;
    attack.github.failNext({ ...pulls, when: "after", status: 502 });
    const run = await attack.resume(held);
    expect(run.code, run.said).toBe(0);
    expect([attack.pulls().length, ours(attack).length]).toEqual([1, 1]);
    const created = attack.github.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/pulls"));
    expect(created).toHaveLength(1);
  });

  it("case 38: an approved workflow file that the token may not push ends in clear words, with the diff kept", async () => {
    const write = "mkdir -p /work/.github/workflows; echo 'on: push' > /work/.github/workflows/x.yml";
    await using attack = await open({ engineCommand: sedEngineAfter(write) });
    const weak = attack.github.addToken({ login: "ada", scopes: ["repo"] });
    attack.env["GITHUB_TOKEN"] = weak;
    const held = await attack.run();
    expect(held.code, held.said).toBe(8);
    expect(held.evidence?.flagged).toContainEqual(
      expect.objectContaining({ level: "hold", path: ".github/workflows/x.yml" }),
    );
    const run = await attack.approve(held);
    expect(run.code, run.said).toBe(1);
    expect(run.said).toMatch(/workflow/);
    expect([attack.pulls(), ours(attack)]).toEqual([[], []]);
    expect(readFileSync(join(held.runFolder, "artifacts/diff.patch"), "utf8")).toContain("on: push");
    // Alive: with the right to workflows the same change goes out.
    attack.env["GITHUB_TOKEN"] = attack.secrets.token;
    await using other = await open({ engineCommand: sedEngineAfter(write) });
    const free = await other.approve(await other.run());
    expect(free.code, free.said).toBe(0);
    expect(contentOf(other, other.pulls()[0]?.head ?? "", ".github/workflows/x.yml")).toContain("on: push");
  });
});

describe.concurrent("a secret that the agent has got hold of", () => {
  /** The worker's own token, in the hands of the agent by whatever way. */
  async function openWith(script: (secret: string) => string): Promise<{ attack: Attack; forms: string[] }> {
    const attack = await open();
    const { token } = attack.secrets;
    attack.env["FEEDBACK_CHAT_ENGINE_COMMAND"] = JSON.stringify(sedEngineAfter(script(token)));
    const bytes = Buffer.from(token);
    return { attack, forms: [token, bytes.toString("base64").slice(0, 40), bytes.toString("hex")] };
  }
  const found = (attack: Attack, run: LocalRun, forms: string[]) =>
    Object.entries({ ...attack.places(run), pulls: JSON.stringify(attack.pulls()) }).flatMap(([place, text]) =>
      forms.filter((form) => text.includes(form)).map((form) => `${form} in ${place}`),
    );

  it.each<[string, (secret: string) => string, RegExp]>([
    ["a line", (secret) => `echo 'const key = "${secret}";' >> /work/src/cart.js`, /src\/cart\.js:\d+/],
    ["base64", (secret) => `printf '%s' ${Buffer.from(secret).toString("base64")} > /work/notes.txt`, /notes\.txt:1/],
    ["hex", (secret) => `printf '%s' ${Buffer.from(secret).toString("hex")} > /work/notes.txt`, /notes\.txt:1/],
    // What the usual programs write: none of it has the secret in one piece.
    [
      "lines of base64, od and xxd",
      (secret) => `printf '%s' '${secret}' > /tmp/s; { base64 -w 20 /tmp/s; od -tx1 /tmp/s; } > /work/notes.txt`,
      /notes\.txt:1/,
    ],
    ["a file's name", (secret) => `touch '/work/${secret}.txt'`, /name/],
  ])("case 39: blocks the change that has it in %s, by place and never by value", async (_where, script, place) => {
    const { attack, forms } = await openWith(script);
    await using _ = attack;
    const run = await attack.run();
    expect(run.result, run.said).toMatchObject({ stage: "failed", reason: "secret_found" });
    expect(run.result?.reasonText).toMatch(place);
    expect([attack.pulls(), ours(attack), found(attack, run, forms)]).toEqual([[], [], []]);
  });

  it("case 39: hides it in log and pull request, also when it is printed in pieces", async () => {
    const { attack, forms } = await openWith((secret) => {
      const halves = [secret.slice(0, 17), secret.slice(17)];
      return `printf '%s' '${halves[0]}'; sleep 0.2; echo '${halves[1]}'; echo 'b:${Buffer.from(secret).toString("base64")}'; echo said-4711`;
    });
    await using _ = attack;
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    // Alive: what else it said and wrote is there to be read.
    expect(run.lines.join("\n")).toMatch(/said-4711/);
    expect(run.lines.join("\n")).toMatch(/b:\S*\[/);
    expect(contentOf(attack, attack.pulls()[0]?.head ?? "", "src/cart.js")).toContain("line.quantity");
    expect(found(attack, run, forms)).toEqual([]);
  });
});
