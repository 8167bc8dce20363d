/** npm run check: what a person runs before each push, in under a minute. The rest is `npm test`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLanes } from "./run-lanes.ts";
import { suites } from "./suites.ts";

const reports = mkdtempSync(join(tmpdir(), "feedback-chat-check-"));
const around = {
  root: join(import.meta.dirname, ".."),
  reports,
  env: { NO_COLOR: "1" },
  limitSeconds: 120,
};
const isGreen = await runLanes(
  around,
  suites.filter((suite) => suite.isQuick),
);
rmSync(reports, { recursive: true, force: true });
process.exitCode = isGreen ? 0 : 1;
