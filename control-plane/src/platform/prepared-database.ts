import { existsSync, openAsBlob, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PGlite } from "@electric-sql/pglite";

/**
 * The data folder of an empty database, packed when the package was built: to unpack it costs a fifth of what it costs
 * to run `initdb` in WebAssembly, and leaves no second engine in memory. It holds nothing of ours, no schema either.
 * @returns undefined in a checkout that was not built; a database is then made by `initdb`.
 */
export async function preparedDatabase(): Promise<Blob | undefined> {
  const file = preparedFile();
  return existsSync(file) ? openAsBlob(file) : undefined;
}

/** Writes it, for the build. */
export async function packEmptyDatabase(): Promise<{ file: string; bytes: Uint8Array }> {
  const lite = await PGlite.create("memory://");
  try {
    const packed = await lite.dumpDataDir("gzip");
    return { file: preparedFile(), bytes: new Uint8Array(await packed.arrayBuffer()) };
  } finally {
    await lite.close();
  }
}

/** Named after the engine's version: one that an older build left in a checkout is not taken. */
function preparedFile(): string {
  const engine = createRequire(import.meta.url).resolve("@electric-sql/pglite");
  const manifest = JSON.parse(readFileSync(new URL("../package.json", pathToFileURL(engine)), "utf8")) as {
    version: string;
  };
  return fileURLToPath(new URL(`../../dist/empty-database-${manifest.version}.tar.gz`, import.meta.url));
}
