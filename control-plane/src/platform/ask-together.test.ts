import { describe, expect, it } from "vitest";
import { askTogether } from "./ask-together.ts";

describe("asking together", () => {
  it("answers each its own by one look, and those who ask later by the next", async () => {
    const looks: number[][] = [];
    const double = askTogether(1, async (all: readonly number[]) => {
      looks.push([...all]);
      return all.map((one) => one * 2);
    });
    expect(await Promise.all([double(1), double(2), double(2)])).toEqual([2, 4, 4]);
    expect(await double(3)).toBe(6);
    expect(looks).toEqual([[1, 2, 2], [3]]);
  });

  it("asks for a thousand at once at most", async () => {
    const sizes: number[] = [];
    const echo = askTogether(1, async (all: readonly number[]) => {
      sizes.push(all.length);
      return all;
    });
    const asked = Array.from({ length: 2_500 }, (_, n) => n);
    expect(await Promise.all(asked.map(echo))).toEqual(asked);
    expect(sizes).toEqual([1_000, 1_000, 500]);
  });

  it("tells all of a look that failed, and of one that answered too few", async () => {
    const failing = askTogether(1, async () => {
      throw new Error("gone");
    });
    const short = askTogether(1, async () => [true]);
    const all = await Promise.allSettled([failing(1), failing(2), short(1), short(2)]);
    expect(all.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
  });
});
