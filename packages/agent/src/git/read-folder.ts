import { type Dir, opendirSync } from "node:fs";
import { ignoring } from "../platform/ignoring.ts";
import { pathBytes } from "./list-tree.ts";

/**
 * Reads a folder's names one by one, as byte strings (latin1), so a caller can stop before a hostile folder fills
 * the memory. Null where the agent took away the right to look.
 */
export function openFolder(place: Buffer): (Disposable & Iterable<string>) | null {
  const folder = unlessShut(() => opendirSync(place, { encoding: bytes, bufferSize: 256 }));
  return folder && { [Symbol.iterator]: () => namesOf(folder), [Symbol.dispose]: () => folder.closeSync() };
}

// Node takes it, its types do not. Names as bytes also let Node look itself where the file system tells no type.
const bytes = "buffer" as BufferEncoding;

function* namesOf(folder: Dir): Generator<string, undefined> {
  for (let entry = folder.readSync(); entry; entry = folder.readSync())
    yield (entry.name as unknown as Buffer).toString("latin1");
}

/** Null where only root may still look. */
export function unlessShut<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    return ignoring("EACCES")(error) ?? null;
  }
}

export function placeBelow(folder: Buffer, path: string): Buffer {
  return path === "" ? folder : Buffer.concat([folder, Buffer.from("/"), pathBytes(path)]);
}
