/**
 * The gate `published packages`: packs what the build made and judges the tarballs. publint and attw both, since attw
 * alone passes where types are missing.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryPoints, judgeTarball } from "./judge-tarball.ts";
import {
  listFiles,
  packedManifest,
  packPackages,
  type Manifest,
  type Packed,
} from "./pack-packages.ts";

const root = join(import.meta.dirname, "..");
const into = mkdtempSync(join(tmpdir(), "feedback-chat-pack-"));

try {
  const packed = packPackages(root, into);
  const wrong = packed.flatMap((one) => {
    const manifest = packedManifest(one.file);
    process.stdout.write(
      `${one.name} ${one.version}: ${one.packedBytes} B packed, ${one.unpackedBytes} B unpacked\n`,
    );
    return [...judgeTarball(one, manifest), ...runTools(one, manifest)];
  });
  for (const sentence of wrong) process.stdout.write(`${sentence}\n`);
  process.exitCode = wrong.length > 0 || packed.length === 0 ? 1 : 0;
} finally {
  rmSync(into, { recursive: true });
}

function runTools({ file, name }: Packed, manifest: Manifest): string[] {
  const entries = entryPoints(manifest, listFiles(file));
  const tools = [["publint", "run", file, "--strict"]];
  if (entries.length > 0)
    tools.push([
      "attw",
      file,
      "--profile",
      "esm-only",
      "--no-emoji",
      "--format",
      "ascii",
      "--entrypoints",
      ...entries,
    ]);
  return tools.flatMap(([program = "", ...args]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    return status === 0 ? [] : [`${name}: ${program} ended with ${status}\n${stdout}${stderr}`];
  });
}
