/** Packs an empty database into the package that starts one: control-plane/dist/empty-database-<version>.tar.gz. */
import { writeFileSync } from "node:fs";
import { packEmptyDatabase } from "../control-plane/src/platform/prepared-database.ts";

const { file, bytes } = await packEmptyDatabase();
writeFileSync(file, bytes);
