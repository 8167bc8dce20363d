import { describe, expect, it } from "vitest";
import { systemClock } from "../src/platform/system-clock.ts";
import type { Clock } from "../src/ports/clock.ts";
import { openProxy, post } from "./open-proxy.ts";
import { until } from "./open-sandbox.ts";

/** The machine's clock, which a test sets forward, and which nobody waits for. */
function hurriedClock(): Clock & { pass(ms: number): void } {
  const machine = systemClock();
  let aheadMs = 0;
  return {
    now: () => new Date(machine.now().getTime() + aheadMs),
    monotonicMs: () => machine.monotonicMs() + aheadMs,
    wait: async (ms) => void (aheadMs += ms),
    pass: (ms) => void (aheadMs += ms),
  };
}

describe("a gateway that gives up on the model", () => {
  it.each([408, 504, 524])(
    "with %i after 6 s is booked with the prompt and what may have been written",
    async (status) => {
      const clock = hurriedClock();
      let calls = 0;
      await using opened = await openProxy(
        (_request, response) => {
          if (++calls > 1) return { text: "at last" };
          clock.pass(6_000);
          response.writeHead(status, { "retry-after": "0" }).end("late");
          return undefined;
        },
        { clock },
      );
      expect((await post(opened)).statusCode).toBe(200);
      await until(() => opened.facts.length === 1);
      const [late, answered] = [...opened.spend.entries.values()];
      // All 1,000 tokens fit into 6 s at the top rate: 15,000 micro-USD, and the prompt by its bytes.
      expect(late?.settled).toBeGreaterThan(15_000);
      expect(late?.settled).toBeLessThanOrEqual(late?.reserved ?? 0);
      expect(answered?.settled).toBe(3_750);
      expect(opened.proxy.totals().costMicroUsd).toBe((late?.settled ?? 0) + 3_750);
      expect(opened.failures).toEqual([]);
    },
  );

  it.each([408, 504, 524, 502, 503])("with %i at once has sent nothing on, and costs nothing", async (status) => {
    const clock = hurriedClock();
    let calls = 0;
    await using opened = await openProxy(
      (_request, response) => {
        if (++calls > 1) return { text: "at last" };
        response.writeHead(status, { "retry-after": "0" }).end("down");
        return undefined;
      },
      { clock },
    );
    expect((await post(opened)).statusCode).toBe(200);
    await until(() => opened.facts.length === 1);
    expect([...opened.spend.entries.values()].map(({ settled }) => settled)).toEqual([0, 3_750]);
  });
});
