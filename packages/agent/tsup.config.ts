import { globSync } from "node:fs";
import { defineConfig } from "tsup";

const entries = ["src/worker/start-worker.ts", "src/run-issue.ts", "src/sandboxes/self-test.ts"];
const core = globSync("src/core/**/*.ts", { cwd: import.meta.dirname }).filter(
  (file) => !file.endsWith(".test.ts"),
);

/** The entries of `exports`: what starts a worker, what runs one issue, the self-test, and the pure core. */
export default defineConfig({
  entry: Object.fromEntries([...entries, ...core].map((file) => [file.slice(4, -3), file])),
  format: "esm",
  target: "node22",
  clean: true,
  dts: false,
});
