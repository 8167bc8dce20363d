import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

// O_NONBLOCK: opening a pipe that was put in place of the file must not wait for a writer.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The id that git would give to the file's bytes. Memory stays flat whatever the size. */
export async function hashWorkFile(place: Buffer, sizeBytes: number, algorithm: "sha1" | "sha256"): Promise<string> {
  if (sizeBytes <= smallBytes) return hashSmallFile(place, sizeBytes, algorithm);
  return withRegularFile(place, async (file) => {
    const hash = createHash(algorithm).update(`blob ${sizeBytes}\0`);
    const buffer = Buffer.allocUnsafe(Math.min(Math.max(sizeBytes, 1), 256 * 1024));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  });
}

// A tree is thousands of small files: without the thread pool they cost a tenth. The caller lets other work in between.
const smallBytes = 64 * 1024;

function hashSmallFile(place: Buffer, sizeBytes: number, algorithm: "sha1" | "sha256"): string {
  const file = openSync(place, flags);
  try {
    if (!fstatSync(file).isFile()) throw changed(place);
    const buffer = Buffer.allocUnsafe(sizeBytes + 1);
    let length = 0;
    for (let got = -1; got !== 0 && length <= sizeBytes; length += got)
      got = readSync(file, buffer, length, buffer.length - length, null);
    return createHash(algorithm).update(`blob ${sizeBytes}\0`).update(buffer.subarray(0, length)).digest("hex");
  } finally {
    closeSync(file);
  }
}

function changed(place: Buffer): Error {
  return new Error(`${place.toString("latin1")} is no regular file any more`);
}

/** The file's bytes, at most `limitBytes` of them. */
export async function readWorkFile(place: Buffer, limitBytes: number): Promise<Buffer> {
  return withRegularFile(place, async (file) => {
    const buffer = Buffer.alloc(limitBytes);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, limitBytes - length);
      length += bytesRead;
      if (bytesRead === 0 || length === limitBytes) return buffer.subarray(0, length);
    }
  });
}

async function withRegularFile<T>(place: Buffer, read: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(place, flags);
  try {
    if (!(await file.stat()).isFile()) throw changed(place);
    return await read(file);
  } finally {
    await file.close();
  }
}
