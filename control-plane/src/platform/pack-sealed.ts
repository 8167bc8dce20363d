import { Problem } from "@feedback-chat/protocol/problem";
import type { Sealed } from "./sealing.ts";

const form = 1;

/** A sealed value as the bytes of one column: form ‖ length and key id ‖ length and wrapped key ‖ value. */
export function packSealed({ kekId, wrappedDek, encryptedValue }: Sealed): Buffer {
  const kek = Buffer.from(kekId);
  return Buffer.concat([Buffer.of(form, kek.length), kek, Buffer.of(wrappedDek.length), wrappedDek, encryptedValue]);
}

/** @throws Problem credential_unreadable for bytes that `packSealed` did not make. */
export function unpackSealed(bytes: Buffer): Sealed {
  const kekEnd = 2 + (bytes[1] ?? 0);
  const dekEnd = kekEnd + 1 + (bytes[kekEnd] ?? 0);
  if (bytes[0] !== form || dekEnd > bytes.length)
    throw new Problem("credential_unreadable", "A sealed secret cannot be read. Its bytes are no sealed value.");
  return {
    kekId: bytes.toString("utf8", 2, kekEnd),
    wrappedDek: bytes.subarray(kekEnd + 1, dekEnd),
    encryptedValue: bytes.subarray(dekEnd),
  };
}
