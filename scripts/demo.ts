/** npm run demo: the CLI's demo command, from its source. What it needs it installs or names itself. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import "./check-node.js";

const bin = fileURLToPath(new URL("../cli/src/bin.ts", import.meta.url));
const args = process.argv.slice(2).filter((arg, at) => !(arg === "--" && at === 0));
if (args.includes("--keep")) buildDashboard();
const command = spawn(process.execPath, ["--conditions=source", "--no-warnings", bin, "demo", ...args], {
  stdio: "inherit",
});
// Ctrl-C reaches the command by itself: the terminal sends it to the whole group.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => command.kill("SIGTERM"));
const [code] = (await once(command, "exit")) as [number | null];
process.exitCode = code ?? 1;

/** Who stays wants to look at it; the loop itself does not need it. */
function buildDashboard(): void {
  const builder = fileURLToPath(new URL("build-dashboard.ts", import.meta.url));
  const { status } = spawnSync(process.execPath, [builder], {
    cwd: fileURLToPath(new URL("../control-plane", import.meta.url)),
    // stdout is the demo's own
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("the dashboard could not be built; its words are above");
}
