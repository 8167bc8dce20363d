import { cpSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "tsup";

const folder = import.meta.dirname;

/** One program. The agent's pure core (gate, policy) is bundled: the server does not install the agent. */
export default defineConfig({
  entry: { main: "src/main.ts" },
  format: "esm",
  target: "node22",
  clean: ["dist/*.js"], // dist/dashboard was built just before
  dts: false,
  noExternal: ["@feedback-chat/agent"],
  banner: { js: "#!/usr/bin/env node" },
  esbuildOptions(options) {
    options.conditions = ["source"];
  },
  onSuccess() {
    cpSync(join(folder, "migrations"), join(folder, "dist/migrations"), { recursive: true });
    return Promise.resolve();
  },
});
