/** npm test: what is missing is installed, then every gate and suite runs in two lanes; one total is the last line. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "./postgres.ts";
import { runLanes } from "./run-lanes.ts";
import { suites } from "./suites.ts";
import { ensureSystemPackages } from "./system-packages.ts";

const named = process.argv.slice(2);
const unknown = named.filter((name) => !suites.some((suite) => suite.name === name));
const chosen = named.length === 0 ? suites : suites.filter((suite) => named.includes(suite.name));

if (unknown.length > 0) {
  process.stderr.write(
    `No such suite: ${unknown.join(", ")}. There are: ${suites.map((suite) => suite.name).join(", ")}\n`,
  );
  process.exitCode = 2;
} else if (!ensureSystemPackages()) {
  process.exitCode = 1;
} else {
  const reports = mkdtempSync(join(tmpdir(), "feedback-chat-test-"));
  {
    await using postgres = await startPostgres();
    const env = { TEST_DATABASE_URL: postgres.url, NO_COLOR: "1" };
    const around = { root: join(import.meta.dirname, ".."), reports, env, limitSeconds: 1_800 };
    process.exitCode = (await runLanes(around, chosen)) ? 0 : 1;
  }
  rmSync(reports, { recursive: true, force: true });
}
