/** npm run demo: the CLI's demo command, from its source. What it needs it installs or names itself. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import "./check-node.js";

const bin = fileURLToPath(new URL("../cli/src/bin.ts", import.meta.url));
const args = process.argv.slice(2).filter((arg, at) => !(arg === "--" && at === 0));
const command = spawn(
  process.execPath,
  ["--conditions=source", "--no-warnings", bin, "demo", ...args],
  { stdio: "inherit" },
);
// Ctrl-C reaches the command by itself: the terminal sends it to the whole group.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => command.kill("SIGTERM"));
const [code] = (await once(command, "exit")) as [number | null];
process.exitCode = code ?? 1;
