import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import { dumpEmbedded } from "../platform/copy-embedded.ts";
import type { Log } from "../platform/log.ts";
import { runPostgresTool, type ToolDeps } from "./run-postgres-tool.ts";

type Deps = ToolDeps & { log: Log };
type Input = { databaseUrl: string | undefined; dataFolder: string | undefined; file: string };

/**
 * Writes a consistent copy of the database into a file that only its owner reads; it is there whole or not at all. Of a
 * server at any time, of the embedded database while nothing runs on it. The master key is not in it.
 * @throws Problem conflict (the file exists), not_found, data_locked, usage, package_missing, run_failed
 */
export async function backUp(deps: Deps, { databaseUrl, dataFolder, file }: Input): Promise<void> {
  if (existsSync(file))
    throw new Problem("conflict", `${file} exists already.`, { next: "Choose another name: no copy is overwritten." });
  const unfinished = `${file}.unfinished`;
  makeFile(unfinished, file);
  try {
    if (databaseUrl) await dumpServer(deps, databaseUrl, unfinished);
    else await writeFile(unfinished, (await dumpEmbedded(embeddedIn(dataFolder))).stream());
    renameSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
  deps.log.info("backup.done", {
    file, kind: databaseUrl ? "server" : "embedded", sizeBytes: statSync(file).size,
    note: "The master key is not in it: keep MASTER_KEY, or the file `master-key` in DATA_DIR, in another place. Without it nothing sealed in this copy opens again.",
  }); // prettier-ignore
}

function makeFile(unfinished: string, file: string): void {
  try {
    closeSync(openSync(unfinished, "w", 0o600));
  } catch (error) {
    if (!/^E(NOENT|NOTDIR|ACCES|PERM|ROFS|ISDIR)$/.test(String((error as NodeJS.ErrnoException).code))) throw error;
    throw new Problem("usage", `${file} cannot be written: ${(error as Error).message}.`, {
      next: "Name a file in a folder that is there, and that you may write to.",
      cause: error,
    });
  }
}

async function dumpServer(deps: ToolDeps, databaseUrl: string, file: string): Promise<void> {
  const schemas = ["--schema=fc", "--schema=auth"];
  const args = ["--format=custom", "--no-owner", "--enable-row-security", ...schemas, `--file=${file}`];
  await runPostgresTool(deps, { tool: "pg_dump", args, databaseUrl });
}

/** @throws Problem usage, not_found */
export function embeddedIn(dataFolder: string | undefined): string {
  if (!dataFolder)
    throw new Problem("usage", "Of which database? Neither DATABASE_URL nor DATA_DIR is set.", {
      next: "Set DATABASE_URL for a server, DATA_DIR for the embedded database's folder.",
    });
  if (!existsSync(join(dataFolder, "postgres")))
    throw new Problem("not_found", `There is no embedded database in ${dataFolder}.`, {
      next: "Name the folder that the server had as DATA_DIR (`up`: --data).",
    });
  return dataFolder;
}
