import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanLine, cleanText, maxLineBytes } from "./clean-log.ts";
import { makeRedactor } from "./redact.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("cleanLine", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"], ["a link (OSC 8)", "\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007", "click"],
    ["the clipboard (OSC 52)", "a\u001b]52;c;ZXZpbA==\u001b\\b", "ab"], ["a title", "\u001b]0;owned\u0007x", "x"], ["a device string", "\u001bP+q544e\u001b\\x", "x"],
    ["8-bit forms", "\u009b31mred\u009d0;t\u0007", "red"], ["an unfinished escape", "a\u001b[31", "a"], ["control and bell", "a\u0000\u0007\u0008b", "ab"],
    ["bidi", "a\u202eb\u2066c", "abc"], ["zero width and tags", "a\u200bb\u{e0041}c", "abc"], ["tabs", "a\tb", "a  b"], ["a carriage return", "bar\rfoo", "barfoo"],
  ])("takes out %s (case 40)", (_name, line, clean) => {
    expect(cleanLine(line)).toBe(clean);
  }); // prettier-ignore

  it("leaves stage words and lines like our own as the plain text that they are", () => {
    for (const line of ["STAGE: deployed", '{"level":"error","event":"ours"}', "a::b", "::before { }", "## [x]"])
      expect(cleanLine(line)).toBe(line);
  });

  it.each([
    ["::set-output name=x::y", ": :set-output name=x::y"], ["  \u001b[1m::stop-commands::z", "  : :stop-commands::z"],
    ["so ##[set-output name=x]y", "so # #[set-output name=x]y"], ["a ###vso[task.complete]b", "a ## #vso[task.complete]b"],
  ])("takes the meaning out of what a CI runner would obey: %j", (line, clean) => {
    expect(cleanLine(line)).toBe(clean);
    expect(cleanText(`first\n${line}`)).toBe(`first\n${clean}`);
  }); // prettier-ignore

  it("shows no control character of any text, in at most 8 KiB", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 9_000 }), (line) => {
        const clean = cleanLine(line);
        expect(clean).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        expect(bytes(clean).byteLength).toBeLessThanOrEqual(maxLineBytes);
        expect(clean.isWellFormed()).toBe(true);
      }),
    );
  });

  it("leaves no half of a secret at the cut", () => {
    const secret = `sk-ant-${"k".repeat(60)}`;
    const { text: redact } = makeRedactor([{ name: "key", value: secret }]);
    for (let at = 7_900; at < 8_200; at += 10)
      expect(cleanLine("x".repeat(at) + secret + "y".repeat(900), redact)).not.toContain("kkk");
    expect(cleanLine("\u001b[1m".repeat(8_180) + secret + "y", redact)).not.toContain("kkk");
  });

  it("keeps the lines of a text", () => {
    expect(cleanText("a\r\nb\u001b[1m\nc\u0000")).toBe("a\nb\nc");
  });
});
