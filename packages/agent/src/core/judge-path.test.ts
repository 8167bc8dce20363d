import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldPath, refusalOfPath } from "./judge-path.ts";

const plain = fc
  .stringMatching(/^[a-z][a-z0-9_-]{0,12}(?:\.[a-z]{1,4})?$/)
  .filter((name) => refusalOfPath(name) === null);
const folders = fc.array(plain, { maxLength: 4 });
/** A bad part at any depth, with good ones around it. */
const around = (bad: fc.Arbitrary<string>) =>
  fc.tuple(folders, bad, folders).map(([above, part, below]) => [...above, part, ...below].join("/"));
const put = (chars: string[]) =>
  fc.tuple(plain, fc.constantFrom(...chars), plain).map(([before, char, after]) => `${before}${char}${after}`);
const refuses = (bad: fc.Arbitrary<string>) =>
  fc.assert(
    fc.property(around(bad), (path) => {
      expect(refusalOfPath(path), path).not.toBeNull();
    }),
  );

describe("a new name", () => {
  it("is taken when all of its parts are plain words, whatever the language", () => {
    fc.assert(fc.property(fc.array(plain, { minLength: 1 }), (parts) => {
      expect(refusalOfPath(parts.join("/"))).toBeNull();
    }));
    for (const path of ["src/größe.ts", "docs/日本語.md", "a/ñ/б.js", "emoji/🛒.svg", ".github/x", "...a", "a b/c d.txt", "git/~1", "auxiliary.ts"])
      expect(refusalOfPath(path), path).toBeNull();
  }); // prettier-ignore

  // pipeline.md, cases 13 and 14
  it("is refused for a way out of its folder, or for nothing between two slashes", () =>
    refuses(fc.constantFrom("..", ".", "")));
  it("is refused for what git keeps for itself, in any case", () =>
    refuses(fc.constantFrom(".git", ".GIT", ".Git", "git~1", "GIT~22")));
  it("is refused for what Windows keeps for itself, with any ending", () =>
    refuses(
      fc.tuple(fc.constantFrom("con", "PRN", "Aux", "nul", "com1", "LPT9", "CONIN$", "com¹"), fc.constantFrom("", ".ts", ".tar.gz"))
        .map((parts) => parts.join("")),
    )); // prettier-ignore
  it("is refused for a short name that Windows gives to a longer one", () =>
    refuses(
      fc.constantFrom(
        "GITMOD~1",
        "gitmod~2",
        "GI7EBA~1",
        "GITHUB~1",
        "CLAUDE~1",
        "PACKAG~1.JSO",
        "NPMRC~1",
        "A~123456",
      ),
    ));
  it("is taken with a tilde that no short name has", () => {
    for (const path of ["notes~", "draft~v1.md", "a~1b.ts", "version~12345678", "long-name~1.txt", "x~1.html", "~1/a"])
      expect(refusalOfPath(path), path).toBeNull();
  });
  it("is refused for an ending dot or space", () =>
    refuses(fc.tuple(plain, fc.constantFrom(".", " ", "..", ". ")).map((parts) => parts.join(""))));
  it("is refused for a backslash, a colon, or bytes that are no UTF-8", () => refuses(put(["\\", ":", "\ufffd"])));
  it("is refused for any control character", () =>
    refuses(
      put(Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).filter((char) => /\p{Cc}/u.test(char))),
    ));
  it("is refused for what nobody sees, or what turns the text", () =>
    refuses(put(["\u00ad", "\u061c", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2028", "\u2060", "\u2066", "\u2069", "\ufe0f", "\ufeff", "\u{e0041}", "\u{e0100}"]))); // prettier-ignore
});

describe("foldPath", () => {
  it("gives one name for all cases and Unicode forms of it, and does not change what it gave", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (path) => {
        const fold = foldPath(path);
        expect(foldPath(fold)).toBe(fold);
        for (const form of ["NFC", "NFD", "NFKC", "NFKD"] as const) expect(foldPath(path.normalize(form))).toBe(fold);
      }),
    );
    fc.assert(fc.property(fc.array(plain), (parts) => {
      const path = parts.join("/");
      expect(foldPath(path.toUpperCase())).toBe(foldPath(path));
    })); // prettier-ignore
  });

  it("gives one name for both cases of every letter that has two", () => {
    let letters = 0;
    for (let code = 1; code < 0x20000; code++) {
      const letter = String.fromCodePoint(code);
      if (!/\p{Cased}/u.test(letter)) continue;
      letters++;
      for (const other of [letter.toUpperCase(), letter.toLowerCase()])
        expect(foldPath(other), letter).toBe(foldPath(letter));
    }
    expect(letters).toBeGreaterThan(4_000);
    expect(foldPath("STRAẞE")).toBe(foldPath("strasse"));
  });

  it("keeps apart what differs by more", () => {
    fc.assert(fc.property(plain, plain, (one, other) => {
      fc.pre(one !== other);
      expect(foldPath(one)).not.toBe(foldPath(other));
    })); // prettier-ignore
  });
});
