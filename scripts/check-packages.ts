/** The gate `published packages`: packs what the build made and judges the tarballs, as the registry would get them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judgeTarball } from "./judge-tarball.ts";
import { judgeWithTools } from "./judge-with-tools.ts";
import { packedManifest, packPackages } from "./pack-packages.ts";

const into = mkdtempSync(join(tmpdir(), "feedback-chat-pack-"));
try {
  const packed = packPackages(join(import.meta.dirname, ".."), into);
  const wrong = packed.flatMap((one) => {
    const manifest = packedManifest(one.file);
    process.stdout.write(`${one.name} ${one.version}: ${one.packedBytes} B packed, ${one.unpackedBytes} B unpacked\n`);
    return [...judgeTarball(one, manifest), ...judgeWithTools(one.file, manifest)];
  });
  for (const sentence of wrong) process.stdout.write(`${sentence}\n`);
  process.exitCode = wrong.length > 0 || packed.length === 0 ? 1 : 0;
} finally {
  rmSync(into, { recursive: true });
}
