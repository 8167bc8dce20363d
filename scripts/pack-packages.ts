import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  exports?: Record<string, unknown>;
  devEngines?: { packageManager: { version: string } };
}
export interface Packed {
  name: string;
  version: string;
  file: string;
  packedBytes: number;
  unpackedBytes: number;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Folders of the packages that go to the registry, found by their manifests. */
export function publishableFolders(root: string): string[] {
  const manifests = globSync("{packages/*,control-plane,cli}/package.json", { cwd: root });
  const folders = manifests.map((file) => join(root, file, "..")).toSorted();
  return folders.filter((folder) => readManifest(folder).private !== true);
}

/** Packs what was built as the registry would get it: `workspace:*` becomes the exact version, `source` is gone. */
export function packPackages(root: string, into: string): Packed[] {
  mkdirSync(into, { recursive: true });
  const pnpm = `pnpm@${readManifest(root).devEngines?.packageManager.version}`;
  return publishableFolders(root).map((folder) => {
    const { name, version } = readManifest(folder);
    const file = join(into, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    execFileSync("npx", ["-y", pnpm, "pack", "--out", file], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
    });
    return {
      name,
      version,
      file,
      packedBytes: statSync(file).size,
      unpackedBytes: unpackedSize(file),
    };
  });
}

/** The manifest as it lies in the tarball. */
export function packedManifest(file: string): Manifest {
  const text = execFileSync("tar", ["-xzOf", file, "package/package.json"], { encoding: "utf8" });
  return JSON.parse(text) as Manifest;
}

/** Paths in the tarball, below the package's folder. */
export function listFiles(file: string): string[] {
  const listing = execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n");
  return listing.map((path) => path.replace(/^package\//, ""));
}

function unpackedSize(file: string): number {
  const listing = execFileSync("tar", ["-tvzf", file], { encoding: "utf8" }).trim().split("\n");
  return listing.reduce((sum, line) => sum + Number(line.split(/\s+/)[2]), 0);
}
