import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanText } from "./clean-text.ts";

describe("cleanText", () => {
  it.each([
    { what: "colours", text: "\u001b[1;31mred\u001b[0m", clean: "red" },
    { what: "cursor moves", text: "a\u001b[2K\u001b[1Gb", clean: "ab" },
    { what: "a title with its end", text: "\u001b]0;evil title\u0007after", clean: "after" },
    {
      what: "a link with its end",
      text: "\u001b]8;;https://evil.example\u001b\\text\u001b]8;;\u001b\\",
      clean: "text",
    },
    { what: "a title without its end, and nothing of the next line", text: "a\u001b]0;b\nc\u0007d", clean: "a\ncd" },
    { what: "tags", text: "a\u{e0041}\u{e0101}b", clean: "ab" },
    { what: "C1 control characters", text: "a\u009b31mb", clean: "a31mb" },
    { what: "carriage returns, bells and backspaces", text: "good\rbad\u0007\b", clean: "goodbad" },
    { what: "turned direction", text: "user\u202etxt.exe\u2066", clean: "usertxt.exe" },
    { what: "a CI runner's command", text: "a\n  ::set-output name=a::b", clean: "a\n  : :set-output name=a::b" },
    { what: "a CI runner's older command", text: "a ##[set-output name=a]b", clean: "a # #[set-output name=a]b" },
    { what: "invisible characters", text: "a\u200bd\u2060m\ufeffin", clean: "admin" },
  ])("takes out $what", ({ text, clean }) => {
    expect(cleanText(text)).toBe(clean);
  });

  it("leaves words of all languages, emoji, tabs and newlines", () => {
    const text = "Grüße, привет, 你好, مرحبا 🦊\n\tindented";
    expect(cleanText(text)).toBe(text);
  });

  it("leaves nothing that a terminal would obey, whatever comes in", () => {
    const parts = fc.constantFrom("\u001b", "[", "]", "31m", "\u009b", "\u0007", "\r", "a", "\u202e", "\n", "\\");
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ unit: "binary" })), { maxLength: 20 }), (pieces) => {
        const clean = cleanText(pieces.join(""));
        expect(clean).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });
});
