import { expect, it } from "vitest";
import { confirmPermit, yesGoodMs } from "./confirm-permit.ts";

function clockThatJumps(jumpsMs: number[]) {
  let nowMs = 0;
  const clock = { now: () => new Date(0), monotonicMs: () => nowMs, wait: async () => {} };
  let asked = 0;
  const ask = async () => {
    asked += 1;
    nowMs += jumpsMs.shift() ?? 0;
  };
  return { clock, ask, asked: () => asked };
}

it("takes a fresh yes", async () => {
  const asking = clockThatJumps([yesGoodMs]);
  await confirmPermit(asking);
  expect(asking.asked()).toBe(1);
});

it("asks again after a sleep between question and answer", async () => {
  const asking = clockThatJumps([60_000, yesGoodMs + 1]);
  await confirmPermit(asking);
  expect(asking.asked()).toBe(3);
});

it("throws the no", async () => {
  const { clock } = clockThatJumps([]);
  const no = new Error("no");
  await expect(confirmPermit({ clock, ask: () => Promise.reject(no) })).rejects.toBe(no);
});
