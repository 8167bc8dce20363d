import { describe, expect, it } from "vitest";
import { closingNumbers } from "./closing-numbers.ts";

describe("closing words", () => {
  it.each([
    ["Closes #7", [7]],
    ["fixes #7, Resolved: #8 and CLOSED #7", [7, 8]],
    ["Closes acme/shop#7", [7]],
    ["Closes other/shop#7", []],
    ["Refs #7, discloses #8, closes 9", []],
    ["", []],
  ])("in %j name %j", (body, numbers) => {
    expect(closingNumbers(body, "acme/shop")).toEqual(numbers);
  });
});
