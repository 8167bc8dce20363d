import fc from "fast-check";
import { expect, it } from "vitest";
import { matchPaths } from "./match-paths.ts";

const word = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
const folders = fc.array(word, { maxLength: 4 });
const joined = (...parts: string[][]) => parts.flat().join("/");

it("finds a name at any depth, in any case, with all that lies below", () => {
  fc.assert(
    fc.property(folders, word, folders, (above, name, below) => {
      expect(matchPaths([name])(joined(above, [name.toUpperCase()], below))).toBe(true);
      expect(matchPaths([`/${name}/`])(joined(above, [name], below))).toBe(true);
    }),
  );
});

it("finds a path from any folder on, with all that lies below", () => {
  fc.assert(
    fc.property(folders, word, word, folders, (above, one, two, below) => {
      expect(matchPaths([`${one}/${two}`])(joined(above, [one, two], below))).toBe(true);
      expect(matchPaths([`${one}/${two}/**`])(joined(above, [one, two], below))).toBe(true);
    }),
  );
});

it("finds nothing where no part is the name", () => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), word, (parts, name) => {
      fc.pre(!parts.includes(name));
      expect(matchPaths([name])(parts.join("/"))).toBe(false);
    }),
  );
  expect(matchPaths([])("a/b")).toBe(false);
});

it("takes no path for a pattern of its own, and a leading `!` for a letter", () => {
  expect(matchPaths(["*.sh"])("a/run.sh")).toBe(true);
  expect(matchPaths(["*.sh"])("a/*.shx")).toBe(false);
  expect(matchPaths(["!a"])("b")).toBe(false);
});
