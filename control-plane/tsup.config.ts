import { defineConfig } from "tsup";
import { keepSourcePlaces } from "../scripts/tsup-library.ts";

/** One program. The agent's pure core (gate, policy) is bundled: the server does not install the agent. */
export default defineConfig({
  entry: { main: "src/main.ts" },
  format: "esm",
  target: "node22",
  clean: ["dist/*.js"], // dist/dashboard was built just before
  dts: false,
  banner: { js: "#!/usr/bin/env node" },
  noExternal: [/^@feedback-chat\/agent/],
  esbuildPlugins: [keepSourcePlaces(import.meta.dirname)],
  esbuildOptions(options) {
    options.conditions = ["source"];
  },
});
