import { defineConfig } from "tsup";
import { keepSourcePlaces } from "../scripts/tsup-library.ts";

/** One program. The agent's pure core (gate, policy) is bundled: the server does not install the agent. */
export default defineConfig({
  entry: { main: "src/main.ts" },
  format: "esm",
  target: "node22",
  // tsup would empty all of dist, with the dashboard that was built just before; the one file of ours is overwritten.
  clean: false,
  dts: false,
  banner: { js: "#!/usr/bin/env node" },
  noExternal: [/^@feedback-chat\/agent/],
  esbuildPlugins: [keepSourcePlaces(import.meta.dirname)],
  esbuildOptions(options) {
    options.conditions = ["source"];
  },
});
