import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Packed } from "../../../scripts/pack-packages.ts";
import { engineLock } from "../../src/core/engine-lock.ts";

/** Tarballs with the pinned engine's names and version, and a postinstall that writes what `CANARY` names. */
export function packFalseEngine(into: string): Packed[] {
  const { platform, arch } = process;
  const { dependencies } = engineLock({ platform, arch, isMusl: false }).manifest;
  return Object.entries(dependencies).map(([name, version]) => {
    const folder = join(into, name);
    mkdirSync(join(folder, "package"), { recursive: true });
    const scripts = { postinstall: `node -e "require('fs').writeFileSync(process.env.CANARY, 'ran')"` };
    writeFileSync(join(folder, "package/package.json"), JSON.stringify({ name, version, scripts }));
    const file = join(folder, "package.tgz");
    execFileSync("tar", ["-czf", file, "-C", folder, "package"]);
    return { name, version, file, packedBytes: 0, unpackedBytes: 0 };
  });
}
