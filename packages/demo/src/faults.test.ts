import { describe, expect, it } from "vitest";
import { createFaults } from "./faults.ts";

const post = { method: "POST", path: "/a?b=1" };
const fine = async () => new Response("fine");

describe("breakpoints and planned failures", () => {
  it("let everything else pass", async () => {
    const { guard, failNext } = createFaults();
    failNext({ method: "GET", path: /^\/a/, status: 500 });
    expect(await guard(post, fine)).toMatchObject({ status: 200 });
  });

  it("hit as often as told, then never again", async () => {
    const { guard, failNext } = createFaults();
    failNext({ path: /b=1/, status: 503, times: 2, headers: { "retry-after": "1" } });
    const answers = [await guard(post, fine), await guard(post, fine), await guard(post, fine)];
    expect(answers.map((answer) => (answer === "drop" ? answer : answer.status))).toEqual([503, 503, 200]);
  });

  it("stand after the handling when told so", async () => {
    const { guard, failNext } = createFaults();
    let handled = 0;
    failNext({ path: /a/, dropConnection: true, when: "after" });
    expect(await guard(post, async () => ((handled += 1), fine()))).toBe("drop");
    failNext({ path: /a/, dropConnection: true });
    expect(await guard(post, async () => ((handled += 1), fine()))).toBe("drop");
    expect(handled).toBe(1);
  });

  it("hold a request until it is released, and let go of all when cleared", async () => {
    const { guard, holdNext, clearFaults } = createFaults();
    const first = holdNext({ path: /a/ });
    const second = holdNext({ path: /a/, when: "after" });
    const asked = guard(post, fine);
    await first.arrived;
    first.release();
    await second.arrived;
    clearFaults();
    expect(await asked).toBe("drop");
  });

  it("wait for what they are told to wait for", async () => {
    const { guard, failNext } = createFaults();
    const gate = Promise.withResolvers<void>();
    failNext({ path: /a/, delayUntil: gate.promise });
    let isAnswered = false;
    const asked = guard(post, fine).finally(() => (isAnswered = true));
    await Promise.resolve();
    expect(isAnswered).toBe(false);
    gate.resolve();
    expect(await asked).toMatchObject({ status: 200 });
  });
});
