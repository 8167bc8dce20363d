import type { Sealed } from "./sealing.ts";

const form = 1;

/** A sealed value as the bytes of one column: form ‖ length and key id ‖ length and wrapped key ‖ value. */
export function packSealed({ kekId, wrappedDek, encryptedValue }: Sealed): Buffer {
  const kek = Buffer.from(kekId);
  return Buffer.concat([Buffer.of(form, kek.length), kek, Buffer.of(wrappedDek.length), wrappedDek, encryptedValue]);
}

/** @throws RangeError for bytes that `packSealed` did not make. */
export function unpackSealed(bytes: Buffer): Sealed {
  if (bytes[0] !== form) throw new RangeError("These bytes are no sealed value.");
  const kekEnd = 2 + bytes.readUInt8(1);
  const dekEnd = kekEnd + 1 + bytes.readUInt8(kekEnd);
  return {
    kekId: bytes.toString("utf8", 2, kekEnd),
    wrappedDek: bytes.subarray(kekEnd + 1, dekEnd),
    encryptedValue: bytes.subarray(dekEnd),
  };
}
