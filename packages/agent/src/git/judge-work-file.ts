import { createHash } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { readlink } from "node:fs/promises";
import { foldPath } from "../core/judge-path.ts";
import { ignoring } from "../platform/ignoring.ts";
import { shownPath, type TreeEntry } from "./list-tree.ts";
import { unlessShut } from "./read-folder.ts";
import { hashWorkFile } from "./read-work-file.ts";

/** Largest file that is taken from the agent's tree. */
export const maxFileBytes = 1024 * 1024;

export type WorkFile = {
  path: string;
  place: Buffer;
  mode: "100644" | "100755";
  sizeBytes: number;
};

/** An entry of the agent's tree: what is needed of its `Stats`, which are six times as large. */
export type Found = {
  path: string;
  place: Buffer;
  kind: "folder" | "file" | "link" | "special";
  isExecutable: boolean;
  sizeBytes: number;
  device: number;
  base: TreeEntry | undefined;
};

export type FileVerdict =
  | { is: "same" }
  | { is: "changed"; file: WorkFile }
  | { is: "refused"; code: string; detail: string };

export const notLookedAt = "cannot be looked at";
const same: FileVerdict = { is: "same" };

/** Compares one entry that is no folder with what the base commit has at its path. */
export async function judgeWorkFile({ path, place, kind, isExecutable, sizeBytes, base }: Found): Promise<FileVerdict> {
  // prettier-ignore
  if (base?.type === "commit") return refused("submodule", "a submodule became a file");
  if (kind === "link") {
    if (await isBaseLink(place, base)) return same;
    return refused("symlink", base?.mode === "120000" ? "a symlink was changed" : "a new symlink");
  }
  if (kind !== "file") return refused("special_file", "neither a file nor a folder");
  if (base?.mode === "120000") return refused("symlink", "a symlink became a file");
  // git records the owner's bit alone.
  const mode = isExecutable ? "100755" : "100644";
  const mayBeSame = base?.type === "blob" && isSameMode(base.mode, mode) && base.sizeBytes === sizeBytes;
  const oid = mayBeSame ? await hashWorkFile(place, sizeBytes, algorithmOf(base.oid)).catch(ignoring("EACCES")) : null;
  if (oid === undefined || (!mayBeSame && !canRead(place))) return refused("unreadable", notLookedAt);
  if (mayBeSame && base.oid === oid) return same;
  if (foldPath(shownPath(path)) === ".gitmodules")
    return refused("submodule", "what git reads about submodules was changed");
  if (sizeBytes > maxFileBytes)
    return refused("file_too_large", `${sizeBytes} bytes; at most ${maxFileBytes} are taken`);
  return { is: "changed", file: { path, place, mode, sizeBytes } };
}

function refused(code: string, detail: string): FileVerdict {
  return { is: "refused", code, detail };
}

function canRead(place: Buffer): boolean {
  const file = unlessShut(() => openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
  if (file !== null) closeSync(file);
  return file !== null;
}

async function isBaseLink(place: Buffer, base: TreeEntry | undefined): Promise<boolean> {
  if (base?.mode !== "120000") return false;
  const target = await readlink(place, { encoding: "buffer" });
  return createHash(algorithmOf(base.oid)).update(`blob ${target.length}\0`).update(target).digest("hex") === base.oid;
}

/** Old repositories hold 100664: the same file to us. */
function isSameMode(base: string, mode: string): boolean {
  return base === mode || (base === "100664" && mode === "100644");
}

function algorithmOf(oid: string): "sha1" | "sha256" {
  return oid.length === 64 ? "sha256" : "sha1";
}
