import { spawnSync } from "node:child_process";
import { entryPoints } from "./judge-tarball.ts";
import { listFiles, type Manifest } from "./pack-packages.ts";

const attw = ["--profile", "esm-only", "--no-emoji", "--format", "ascii"];

/** publint and attw on one tarball; both, since attw alone passes where types are missing. */
export function judgeWithTools(file: string, manifest: Manifest): string[] {
  const entries = entryPoints(manifest, listFiles(file));
  const tools = [["publint", "run", file, "--strict"]];
  if (entries.length > 0) tools.push(["attw", file, ...attw, "--entrypoints", ...entries]);
  return tools.flatMap(([program = "", ...args]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    return status === 0 ? [] : [`${manifest.name}: ${program} ended with ${status}\n${stdout}${stderr}`];
  });
}
