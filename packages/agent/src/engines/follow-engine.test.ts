import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { SandboxEnd, SandboxJob } from "../ports/sandbox.ts";
import { followEngine } from "./follow-engine.ts";

const spec = {
  argv: ["engine"],
  env: {},
  stdin: "",
  readOnlyMounts: [],
  limits: { wallSeconds: 1_200, memoryBytes: 1, processes: 1, fileBytes: 1, scratchBytes: 1 },
};
const result = `${JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "All done." })}\n`;

/** An engine in a sandbox that ends only when it is told to, on a clock that goes when it is told to. */
function follow(idleSeconds: number) {
  let nowMs = 0;
  const due: { atMs: number; go: () => void }[] = [];
  const clock = {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    wait: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        due.push({ atMs: nowMs + ms, go: resolve });
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  const lines = new TransformStream<Uint8Array, Uint8Array>();
  const writer = lines.writable.getWriter();
  const { promise: ended, resolve: end } = Promise.withResolvers<SandboxEnd>();
  let stoppedAtMs: number | null = null;
  const job = {
    run: ({ signal }: { signal: AbortSignal }) => {
      signal.addEventListener("abort", () => {
        stoppedAtMs = nowMs;
        void writer.close();
        end({ by: "signal", exitCode: null, detail: "" });
      });
      return { stdout: lines.readable, stderr: new Blob([]).stream(), ended };
    },
  } as unknown as SandboxJob;
  const run = followEngine({ clock }, job, { spec, idleSeconds, resultFromExit: false });
  const read = drain(run.events);
  return {
    run,
    read,
    async exit(how: SandboxEnd) {
      await writer.close();
      end(how);
      await read;
      return run.ended;
    },
    stoppedAtMs: () => stoppedAtMs,
    print: async (text: string) => {
      void writer.write(Buffer.from(text));
      await setImmediate();
    },
    async pass(seconds: number) {
      for (let second = 0; second < seconds; second += 1) {
        nowMs += 1_000;
        for (const { go } of due.splice(0).filter((one) => one.atMs <= nowMs || (due.push(one), false))) go();
        await setImmediate();
      }
    },
  };
}

describe("an engine that does not end by itself", () => {
  it("is given 60 seconds after its result, whatever it still prints, and keeps its claim", async () => {
    const engine = follow(600);
    await engine.pass(30);
    await engine.print(result);
    await engine.pass(40);
    await engine.print("still tidying up\n");
    await engine.pass(18);
    expect(engine.stoppedAtMs()).toBeNull();
    await engine.pass(4);
    expect(engine.stoppedAtMs()).toBeGreaterThanOrEqual(90_000);
    expect(engine.stoppedAtMs()).toBeLessThanOrEqual(92_000);
    expect(await engine.run.ended).toMatchObject({ claim: "done", by: "exit", summary: "All done." });
    await engine.read;
  });

  it("is ended as idle without a result, counted from its last line", async () => {
    const engine = follow(60);
    await engine.pass(50);
    await engine.print("working\n");
    await engine.pass(58);
    expect(engine.stoppedAtMs()).toBeNull();
    await engine.pass(4);
    expect(engine.stoppedAtMs()).toBeGreaterThanOrEqual(110_000);
    expect(await engine.run.ended).toMatchObject({ claim: "error", by: "idle", summary: "working" });
    await engine.read;
  });
});

describe("what an engine says of itself", () => {
  const exit = (exitCode: number | null): SandboxEnd => ({ by: "exit", exitCode, detail: "" });
  const forged = (more: object) => `${JSON.stringify({ type: "result", subtype: "success", ...more })}\n`;

  it("is done after a success and exit code 0", async () => {
    const engine = follow(600);
    await engine.print(result);
    expect(await engine.exit(exit(0))).toEqual({ claim: "done", by: "exit", summary: "All done." });
  });

  it.each([
    ["exit code 1", exit(1), "exit", "ended with exit code 1"],
    ["SIGKILL, told as an exit code", exit(137), "exit", "ended with exit code 137"],
    ["an end without an exit code", exit(null), "exit", "was stopped"],
    ["the clock", { by: "time", exitCode: null, detail: "" }, "time", "was stopped"],
  ] as const)("is an error where %s belies a success, in our words", async (_name, end, by, words) => {
    const engine = follow(600);
    await engine.print(result);
    expect(await engine.exit(end)).toEqual({
      claim: "error",
      by,
      summary: `The agent's program said that it was done, but ${words}.`,
    });
  });

  it.each(["cancelled", "budget", "drain"] as const)("is an error where we stopped it: %s", async (reason) => {
    const engine = follow(600);
    await engine.print(result);
    await engine.run.stop(reason);
    expect(await engine.run.ended).toMatchObject({ claim: "error", by: "stopped" });
    await engine.read;
  });

  it("is an error where one of its lines is, whichever came first", async () => {
    for (const lines of [[forged({ is_error: true, result: "No." }), result], [result, forged({ is_error: true, result: "No." })]]) {
      const engine = follow(600);
      for (const line of lines) await engine.print(line);
      expect(await engine.exit(exit(0))).toMatchObject({ claim: "error", summary: "No." });
    }
  }); // prettier-ignore
});

async function drain(events: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _event of events) count += 1;
  return count;
}
