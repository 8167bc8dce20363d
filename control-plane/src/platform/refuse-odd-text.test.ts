import { isProblem } from "@feedback-chat/protocol/problem";
import { expect, it } from "vitest";
import { refuseOddText } from "./refuse-odd-text.ts";

const refused = (value: unknown) => {
  try {
    refuseOddText(value, "body");
  } catch (error) {
    return isProblem(error, "validation_failed");
  }
  return false;
};

it("takes any Unicode text, however deep it lies, and refuses NUL and half of a pair in values and names", () => {
  let deep: unknown = "\u{1f600} ü \u202e";
  for (let level = 0; level < 200_000; level += 1) deep = [deep];
  expect(refused({ a: [deep, 1, null, true] })).toBe(false);
  for (const odd of ["\0", "a\0b", "\ud800", "x\udfff"])
    expect([refused(odd), refused([{ a: [odd] }]), refused({ [odd]: 1 })]).toEqual([true, true, true]);
});
