import { expect, it } from "vitest";
import { readLines, type Line } from "./read-lines.ts";

async function linesOf(chunks: Uint8Array[], maxBytes = 100): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readLines((async function* () { yield* chunks; })(), maxBytes)) lines.push(line); // prettier-ignore
  return lines;
}
const bytes = (text: string) => new TextEncoder().encode(text);

it("gives the same lines wherever the bytes are cut, inside a character too", async () => {
  const whole = bytes("grüße\n\nzwei\nrest");
  for (let at = 0; at <= whole.length; at++) {
    const lines = await linesOf([whole.subarray(0, at), whole.subarray(at)]);
    expect(lines.map(({ text }) => text)).toEqual(["grüße", "", "zwei", "rest"]);
  }
});

it("keeps only the beginning of a line that never ends, and goes on behind it (case 40)", async () => {
  const lines = await linesOf([...Array.from({ length: 1_000 }, () => bytes("x".repeat(10_000))), bytes("\nnext\n")]);
  expect(lines).toEqual([{ text: "x".repeat(100), wasCut: true }, { text: "next", wasCut: false }]); // prettier-ignore
});
