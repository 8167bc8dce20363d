import { existsSync, rmSync, writeFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { Problem } from "@feedback-chat/protocol/problem";
import { createLite, markOf, placeOf } from "./open-embedded.ts";
import { takeFolder } from "./take-folder.ts";

/** The whole of it as one compressed file. @throws Problem data_locked while a server runs on it. */
export async function dumpEmbedded(folder: string): Promise<Blob> {
  const taken = await takeFolder(folder);
  try {
    const lite = await createLite(folder);
    try {
      return await lite.dumpDataDir("gzip");
    } finally {
      await lite.close();
    }
  } finally {
    taken.release();
  }
}

/**
 * Makes the folder's database out of such a file. Until `judge` has seen its migrations and let it pass it counts as
 * unfinished: killed or refused, nothing of it is left for the next start.
 * @throws Problem conflict when the folder has a database, usage when the file is none, and what `judge` throws
 */
export async function loadEmbedded(folder: string, file: Blob, judge: (migrations: string[]) => void): Promise<void> {
  const taken = await takeFolder(folder);
  const [place, mark] = [placeOf(folder), markOf(folder)];
  try {
    if (existsSync(place) && !existsSync(mark))
      throw new Problem("conflict", `${folder} has a database already.`, {
        next: "Name an empty folder. Nothing was changed in this one.",
      });
    rmSync(place, { recursive: true, force: true });
    writeFileSync(mark, "The database beside this file is not finished.\n");
    try {
      judge(await load(place, file));
    } catch (error) {
      rmSync(place, { recursive: true, force: true });
      rmSync(mark, { force: true });
      throw error;
    }
    rmSync(mark, { force: true });
  } finally {
    taken.release();
  }
}

async function load(place: string, file: Blob): Promise<string[]> {
  const lite = await PGlite.create(place, { loadDataDir: file });
  try {
    const { rows: there } = await lite.query<{ is: boolean }>("select to_regclass('fc.migrations') is not null as is");
    if (!there[0]?.is) return [];
    const { rows } = await lite.query<{ name: string }>("select name from fc.migrations order by name");
    return rows.map(({ name }) => name);
  } finally {
    await lite.close();
  }
}
