import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("../../package.json") as { version: string };

/** Of this package; all packages of one release carry the same. */
export const packageVersion = manifest.version;
