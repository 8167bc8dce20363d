import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunDetail } from "@feedback-chat/protocol/run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, sedEngineAfter, type World } from "../../src/open-world.ts";
import { processesWith } from "../../src/process-tree.ts";
import { waitUntil } from "../../src/wait-until.ts";

const number = randomInt(1e9);
/** By the book: own session, no parent, deaf to each polite signal. Its name is put together only when it runs. */
const daemons = `
name=deaf; name="$name-${number}"
daemon='trap "" TERM HUP INT; echo up >> "$1"; while :; do sleep 0.1; done'
setsid sh -c '(setsid sh -c "$0" "$1" "$2" &); exit 0' "$daemon" "$name" "$PWD/ready" >/dev/null 2>&1
setsid sh -c "$daemon" "$name" "$PWD/ready" >/dev/null 2>&1 &
until [ "$(cat ready 2>/dev/null | wc -l)" = 2 ]; do sleep 0.02; done
rm ready
`;
const deaf = () => processesWith(`deaf-${number}`);
const lastWords = `sleep 1.${number}`;

/**
 * Each stops by itself a little above its limit, and waits to be ended: a limit that does not hold harms no machine.
 * With it run two programs that only count, so that the processors are taken too.
 */
const burners = "for n in 1 2; do timeout 12 sh -c 'while :; do :; done' & done\n";
const hogs = {
  forks: `node -e 'let n = 0; const next = () => { if (n === 1300) return; const child = require("node:child_process").spawn("sleep", ["300"]); child.on("error", () => setTimeout(next, 50)); child.on("spawn", () => { if (++n % 100 === 0) console.log("started " + n); next(); }); }; next(); setTimeout(() => process.exit(1), 90000)'`,
  memory: `${burners}node -e 'const kept = []; setInterval(() => { if (kept.length < 36) { kept.push(Buffer.alloc(100e6, 1)); console.log("started " + kept.length); } }, 100); setTimeout(() => process.exit(1), 60000)'`,
  disk: `i=0; while [ $i -lt 700 ]; do head -c 1000000 /dev/zero > /tmp/fill-$i || break; i=$((i+1)); done; echo "started $i"; sleep 60`,
};
type Hog = keyof typeof hogs;

const script = `
cd /work
case "$(cat /task/issue.json)" in *"Take all"*) echo '// half of it' >> src/cart.js ;; esac
case "$(cat /task/issue.json)" in
  *"Plant daemons and stay"*) ${daemons} echo planted; sleep 300 ;;
  *"Plant daemons"*) ${daemons} echo planted; ${lastWords} ;;
  *"Take all forks"*) ${hogs.forks} ;;
  *"Take all memory"*) ${hogs.memory} ;;
  *"Take all disk"*) ${hogs.disk} ;;
esac`;

let world: World;
beforeAll(async () => {
  world = await openWorld({ settings: { publish: "auto", checks: [] }, engineCommand: sedEngineAfter(script) });
  await world.startWorker();
});
afterAll(() => world[Symbol.asyncDispose]());

/** The run of a new issue, once it is in the hands of the one slot. */
async function runOf(title: string): Promise<string> {
  const before = new Set((await world.runs()).map(({ id }) => id));
  world.openIssue({ title });
  return (await world.runThat(`the run of "${title}"`, ({ id, phase }) => !before.has(id) && phase === "agent")).id;
}
const ended = async (runId: string, stage: string): Promise<RunDetail> => {
  await world.runThat(stage, (run) => run.id === runId && run.stage === stage, 90);
  return world.runOf(runId);
};
/** What the run kept of its change. */
const diffOf = async (runId: string) => {
  const headers = { authorization: `Bearer ${world.api.token}` };
  return (await fetch(`${world.api.url}/v1/runs/${runId}/artifacts/diff.patch`, { headers })).text();
};
const logOf = async (runId: string) => (await world.logsOf(runId)).map(({ message }) => message).join("\n");

/** From its first renewal to its end no renewal was refused, and none was later than a lease lasts: 3 s at this scale. */
function expectHeartbeat(jobId: string): void {
  const requests = world.tap.requests.filter(({ path }) => path.startsWith(`/v1/jobs/${jobId}/`));
  const end = requests.findLast(({ path }) => path.endsWith("/fail"))?.at ?? Number.NaN;
  const renewals = requests.filter(({ path, at }) => path.endsWith("/renew") && at <= end);
  const times = [...renewals.map(({ at }) => at), end];
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
  expect(gaps.length).toBeGreaterThanOrEqual(1);
  expect(Math.max(...gaps)).toBeLessThan(3_000);
  // The last one still waits at the server when the job ends, and is told so.
  expect(renewals.slice(0, -1).filter(({ status }) => status !== 200)).toEqual([]);
}

describe("what does not want to end", () => {
  it("case 19: deaf daemons in sessions of their own are gone 2 s after the agent's end, and the slot is free", async () => {
    // In the open they outlive the end of their group.
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-daemons-"));
    const open = spawn("sh", ["-c", daemons], { cwd: folder, detached: true, stdio: "ignore" });
    await once(open, "exit");
    expect(() => process.kill(-(open.pid ?? 0), "SIGTERM")).toThrow("ESRCH");
    const outlived = deaf();
    expect(outlived.length).toBeGreaterThanOrEqual(2);
    for (const { pid } of outlived) process.kill(pid, "SIGTERM");
    expect(deaf().length).toBeGreaterThanOrEqual(2);
    for (const { pid } of deaf()) process.kill(pid, "SIGKILL");
    await waitUntil("the open ones to be gone", () => deaf().length === 0);
    rmSync(folder, { recursive: true });

    const first = await runOf("Plant daemons");
    await waitUntil("the agent's last second", () => processesWith(lastWords).some(({ argv }) => argv.startsWith("sleep")));
    expect(deaf().length).toBeGreaterThanOrEqual(2);
    await waitUntil("the agent's end", () => !processesWith(lastWords).some(({ argv }) => argv.startsWith("sleep")));
    const endedAt = Date.now();
    await waitUntil("no daemon", () => deaf().length === 0, { seconds: 10 });
    expect(Date.now() - endedAt).toBeLessThan(2_000);
    await ended(first, "preview_ready");

    const second = await runOf("Plant daemons and stay");
    await waitUntil("daemons", () => deaf().length >= 2);
    const cancelledAt = Date.now();
    await world.act(second, "cancel");
    await waitUntil("no daemon", () => deaf().length === 0, { seconds: 10 });
    expect(Date.now() - cancelledAt).toBeLessThan(2_000);
    expect(await ended(second, "failed")).toMatchObject({ reason: "cancelled" });

    // One slot, one worker, one attempt each: it takes the next one.
    await ended(await runOf("A plain one"), "preview_ready");
  }); // prettier-ignore

  it.each([
    ["forks", /^processes: \d+ of 1024/],
    ["memory", /^memory: (\d+ of 3072 MiB|the machine itself)/],
    ["disk", /^disk: \/tmp is full/],
  ] satisfies [Hog, RegExp][])("case 20: who takes all %s fails for resources, while the heartbeat goes on", async (hog, detail) => {
    const runId = await runOf(`Take all ${hog}`);
    const run = await ended(runId, "failed");
    expect(run).toMatchObject({ reason: "resources", attempt: 1 });
    expect(run.reasonText).toMatch(detail);
    expect(await logOf(runId)).toMatch(/started \d+/);
    expect(run.timeline.filter(({ event }) => event === "lease_lost")).toEqual([]);
    expectHeartbeat(run.jobId);
    expect(await diffOf(runId)).toContain("+// half of it");
    // The worker is the same process, and takes the next job.
    await ended(await runOf(`A plain one after ${hog}`), "preview_ready");
  }); // prettier-ignore
});
