/** node scripts/pack.ts <folder>: packs every published package (after the build) and prints what lies there as JSON. */
import { join, resolve } from "node:path";
import { packPackages } from "./pack-packages.ts";

const [folder] = process.argv.slice(2);
if (folder) {
  const packed = packPackages(join(import.meta.dirname, ".."), resolve(folder));
  process.stdout.write(`${JSON.stringify(packed, null, 2)}\n`);
} else {
  process.stderr.write("usage: node scripts/pack.ts <folder>\n");
  process.exitCode = 2;
}
