#!/usr/bin/env node
/** node scripts/with-postgres.ts -- <command…>: runs it with TEST_DATABASE_URL of a cluster made for it alone. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { startPostgres } from "./postgres.ts";

const [program, ...args] = process.argv.slice(process.argv[2] === "--" ? 3 : 2);
if (!program) {
  process.stderr.write("usage: node scripts/with-postgres.ts -- <command…>\n");
  process.exitCode = 2;
} else {
  await using postgres = await startPostgres();
  const command = spawn(program, args, {
    stdio: "inherit",
    env: { ...process.env, TEST_DATABASE_URL: postgres.url },
  });
  const forward = (signal: NodeJS.Signals) => command.kill(signal);
  process.on("SIGINT", forward).on("SIGTERM", forward);
  const [code] = (await once(command, "exit")) as [number | null];
  process.exitCode = code ?? 1;
}
