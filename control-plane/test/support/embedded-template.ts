import { randomUUID } from "node:crypto";
import { openAsBlob, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { migrate } from "../../src/platform/migrate.ts";
import { overLite } from "../../src/platform/open-embedded.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the suite keeps what its files share. */
    sharedFolder: string;
  }
}

/** Before the suite's first file. */
export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-shared-"));
  project.provide("sharedFolder", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

/**
 * The data folder of a migrated embedded database, made once for all files of the suite: to make one takes seconds of
 * a processor, to copy one a fifth of that.
 */
export async function embeddedTemplate(): Promise<Blob> {
  const file = join(inject("sharedFolder"), "embedded.tar");
  if (!existsSync(file)) await makeTemplate(file);
  return openAsBlob(file);
}

/** Two files that need it at once both make it; the last one stays. */
async function makeTemplate(file: string): Promise<void> {
  const lite = await PGlite.create("memory://");
  await using database = await overLite(lite);
  await migrate(database.db);
  const making = `${file}.${randomUUID()}`;
  const dump = await lite.dumpDataDir("none");
  writeFileSync(making, new Uint8Array(await dump.arrayBuffer()));
  renameSync(making, file);
}
