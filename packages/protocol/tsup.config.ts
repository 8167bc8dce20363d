import { defineConfig } from "tsup";

/** One file per noun, as `exports` promises; declarations come from tsc (tsup's own need TypeScript's old API). */
export default defineConfig({
  entry: ["src/*.ts", "!src/*.test.ts"],
  format: "esm",
  target: "node22",
  clean: true,
  dts: false,
});
