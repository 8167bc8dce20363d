import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasUnseen } from "./invisible.ts";
import { spellOut } from "./spell-out.ts";

describe("a text of others, spelt out", () => {
  it.each([
    ["an escape sequence that would swallow what follows", "a\u001b]b\u0007c", "a<U+001B>]b<U+0007>c"],
    ["an eight-bit one", "a\u009d", "a<U+009D>"],
    ["a line's way back to its beginning", "good\rbad", "good<U+000D>bad"],
    ["turned direction", "\u202eab\u2066", "<U+202E>ab<U+2066>"],
    ["letters without a look", "a\u3164b\u115f\u2800", "a<U+3164>b<U+115F><U+2800>"],
    ["selectors that spell a program", "`\ufe01\u{e0101}\u{e0154}`", "`<U+FE01><U+E0101><U+E0154>`"],
    ["tags and private letters", "\u{e0041}\u{f0001}", "<U+E0041><U+F0001>"],
    ["a selector of no emoji", "a\ufe0f", "a<U+FE0F>"],
  ])("shows %s", (_what, text, shown) => {
    expect(spellOut(text)).toBe(shown);
    expect(hasUnseen(text)).toBe(true);
  });

  it("leaves words of all languages, emoji and tabs", () => {
    const text = "Grüße, привет, 你好, مرحبا ❤️ 1️⃣ 👩‍💻 🦊\n\tindented\n";
    expect(spellOut(text)).toBe(text);
    expect(hasUnseen(text)).toBe(false);
  });

  it("tells a Windows line end from a plain one", () => {
    expect(spellOut("-one\n+one\r\n")).toBe("-one\n+one␍\n");
  });

  it("names the letter of another script inside a Latin word, and none in a word of its own", () => {
    expect(spellOut("+const p\u0430ssword = привет + `\\nПривет`;")).toBe(
      "+const p<U+0430>ssword = привет + `\\nПривет`;",
    );
  });

  it("counts blanks that push code out of view, and keeps those at a line's end", () => {
    expect(spellOut(`+a();${" ".repeat(120)}evil();${" ".repeat(120)}\n`)).toBe(
      `+a();<120 blanks>evil();${" ".repeat(120)}\n`,
    );
    expect(spellOut(`+a();${"\t".repeat(13)}evil();`)).toBe("+a();<13 blanks>evil();");
  });

  it("takes nothing away, and leaves nothing that a terminal obeys", () => {
    const part = fc.constantFrom(
      "\u001b",
      "]",
      "[2K",
      "\u0007",
      "\u009b",
      "\u202e",
      "❤️",
      "👩‍💻",
      "\u200d",
      "\ufe0f",
      "x",
      "\n",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ unit: "binary" })), { maxLength: 20 }), (pieces) => {
        const text = pieces.join("").replaceAll(/[<␍]/g, "");
        const shown = spellOut(text);
        expect(shown).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u);
        const back = shown.replaceAll("␍\n", "\r\n").replace(/<U\+([0-9A-F]+)>/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));
        expect(back).toBe(text);
      }),
    ); // prettier-ignore
  });
});
