import { describe, expect, it } from "vitest";
import { keepDoing } from "./keep-doing.ts";
import type { Signals } from "./signals.ts";

const log = { info: () => {}, warn: () => {}, error: () => {} };

describe("keepDoing", () => {
  it("without a channel, works at once, then by its clock, and listens to nobody", async () => {
    const asked: string[] = [];
    const signals: Pick<Signals, "next"> = {
      next: (channel, key) => {
        asked.push(`${channel} ${key}`);
        return { wait: () => Promise.resolve(), cancel: () => {} };
      },
    };
    const { promise: twice, resolve } = Promise.withResolvers<void>();
    let turns = 0;
    const doing = keepDoing({ log, signals }, { name: "poll", everySeconds: 0.01, channel: null }, async () => {
      if (++turns === 2) resolve();
    });
    await twice;
    await doing.stop();
    expect(asked).toEqual([]);
  });

  it("ends within its pause when it is stopped", async () => {
    const signals: Pick<Signals, "next"> = {
      next: () => ({ wait: () => Promise.resolve(), cancel: () => {} }),
    };
    const { promise: worked, resolve } = Promise.withResolvers<void>();
    const doing = keepDoing({ log, signals }, { name: "poll", everySeconds: 3_600, channel: null }, async () =>
      resolve(),
    );
    await worked;
    await doing.stop();
  });
});
