/** Builds the dashboard into the package that serves it: control-plane/dashboard -> control-plane/dist/dashboard. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../control-plane");
const config = join(folder, "dashboard/vite.config.ts");

if (existsSync(config)) {
  const output = ["--outDir", join(folder, "dist/dashboard"), "--emptyOutDir"];
  const { status } = spawnSync("vite", ["build", "--config", config, ...output], {
    cwd: join(folder, "dashboard"),
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
} else {
  process.stdout.write("No dashboard/vite.config.ts: nothing to build.\n");
}
