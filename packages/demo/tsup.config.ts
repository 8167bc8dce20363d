import { globSync } from "node:fs";
import { defineConfig } from "tsup";

const files = globSync("src/**/*.ts", { cwd: import.meta.dirname }).filter(
  (file) => !file.endsWith(".test.ts"),
);

/** Every file is an entry, as `exports` promises; what they share becomes a chunk. */
export default defineConfig({
  entry: Object.fromEntries(files.map((file) => [file.slice(4, -3), file])),
  format: "esm",
  target: "node22",
  clean: true,
  dts: false,
});
