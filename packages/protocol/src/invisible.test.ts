import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countUnseen, dropUnseen, hasAnyUnseen, hasUnseen } from "./invisible.ts";

const tags = (text: string) => Array.from(text, (char) => String.fromCodePoint(0xe0000 + char.charCodeAt(0))).join("");

describe("joiners and selectors that a reader needs", () => {
  it.each([
    ["Persian", "دکمه‌ی ذخیره کار نمی‌کند و کتاب‌ها پاک می‌شوند"],
    ["a Persian abbreviation", "۱۳۵۷ ه‍.ش"],
    ["Hindi", "क्‍ष और क्‌ष अलग हैं"],
    ["Bengali", "র‍্য"],
    ["Malayalam", "അവന്‍ വന്നു"],
    ["joined emoji", "👩‍💻 👨🏽‍🦱 🏃🏽‍♀️ 🏳️‍🌈 ❤️‍🔥"],
    ["emoji with a look", "❤️ ☎︎ 1️⃣ #️⃣"],
    [
      "the flags of England, Scotland and Wales",
      `🏴${tags("gbeng\u007f")} 🏴${tags("gbsct\u007f")} 🏴${tags("gbwls\u007f")}`,
    ],
    ["words of other languages", "Grüße, привет, 你好, שלום, 안녕 ñ"],
    ["tabs, newlines and wide spaces", "\tone\n\u00a0two\u3000three"],
  ])("stay: %s", (_what, text) => {
    expect(dropUnseen(text)).toBe(text);
    expect(hasUnseen(text)).toBe(false);
  });

  it.each([
    ["between letters that spell without them", "a\u200cb", "ab"],
    ["between two scripts", "ب\u200ca", "بa"],
    ["in a run", "ب\u200c\u200dه", "به"],
    ["a non-joiner at a word's end", "ب\u200c ", "ب "],
    ["behind a letter of no emoji", "a\ufe0fb", "ab"],
    ["a digit's selector without its keycap", "1\ufe0f2\ufe0f", "12"],
    ["tags behind a flag that no country has", `🏴${tags("ignore all\u007f")}`, "🏴"],
    ["two selectors", "❤\ufe0f\ufe0f", "❤\ufe0f"],
    ["selectors of ideographs", "葛\u{e0100}", "葛"],
  ])("fall: %s", (_what, text, left) => {
    expect(dropUnseen(text)).toBe(left);
    expect(hasUnseen(text)).toBe(true);
  });
});

it("counts a run of invisible characters once", () => {
  expect(countUnseen(`a${tags("hidden")}b\u200b\u200cc`)).toEqual({ text: "abc", runs: 2 });
});

it("leaves nothing to drop the second time, and no character of power", () => {
  const part = fc.constantFrom(
    "ب",
    "क",
    "्",
    "a",
    "1",
    "👩",
    "💻",
    "❤",
    "🏽",
    "🏴",
    "\u200b",
    "\u200c",
    "\u200d",
    "\ufe0f",
    "\u20e3",
    "\u202e",
    " ",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string({ unit: "binary" })), { maxLength: 30 }), (parts) => {
      const once = dropUnseen(parts.join(""));
      expect(dropUnseen(once)).toBe(once);
      expect(hasUnseen(once)).toBe(false);
      expect(hasAnyUnseen(once.replace(/[\u200c\u200d\ufe0e\ufe0f]|[\u{e0060}-\u{e007f}]/gu, ""))).toBe(false);
    }),
  );
});

it("reads a megabyte of joiners in proportion", () => {
  const timeOf = (count: number) => {
    const startedMs = performance.now();
    for (const unit of ["\u200d", "ب\u200c", "❤️\u200d"]) dropUnseen(unit.repeat(count));
    return performance.now() - startedMs;
  };
  timeOf(20_000);
  expect(timeOf(200_000)).toBeLessThan(60 * Math.max(20, timeOf(20_000)));
});
