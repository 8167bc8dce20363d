import { expect, it } from "vitest";
import { tsToJs } from "../tsup-library.ts";

it("turns our own .ts specifiers into .js, and nothing else", () => {
  const text = [
    'import { a } from "./a.ts";',
    'export type { B } from "../b/b.ts";',
    'const c = await import("./c.ts");',
    'const d = new URL("./d.ts", import.meta.url);',
    'import * as z from "zod";',
    'const title = "./notes.ts";',
  ];
  expect(tsToJs(text.join("\n")).split("\n")).toEqual([
    'import { a } from "./a.js";',
    'export type { B } from "../b/b.js";',
    'const c = await import("./c.js");',
    'const d = new URL("./d.js", import.meta.url);',
    'import * as z from "zod";',
    'const title = "./notes.ts";',
  ]);
});
