import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

// O_NONBLOCK: opening a pipe that was put in place of the file must not wait for a writer.
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The id that git would give to the file's bytes. Memory stays flat whatever the size. */
export async function hashWorkFile(
  place: Buffer,
  sizeBytes: number,
  algorithm: "sha1" | "sha256",
): Promise<string> {
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

async function withRegularFile<T>(
  place: Buffer,
  read: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(place, flags);
  try {
    if (!(await file.stat()).isFile())
      throw new Error(`${place.toString("latin1")} is no regular file any more`);
    return await read(file);
  } finally {
    await file.close();
  }
}
