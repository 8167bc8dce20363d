import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Sealed, SealedFor, Sealing } from "./sealing.ts";

const nonceBytes = 12;
const tagBytes = 16;

/**
 * The vault under one master key: each secret has a key of its own (DEK), which the master key wraps. Both layers
 * are bound to what they belong to, so neither a secret nor its key can be moved to another row.
 *
 * While the master key is changed, `previous` opens what the new one has not wrapped yet; nothing is sealed with it.
 */
export function sealWithMasterKey(masterKey: Buffer, previous: Buffer | null = null): Sealing {
  const kekId = kekIdOf(masterKey);
  const keys = new Map([masterKey, ...(previous ? [previous] : [])].map((key) => [kekIdOf(key), key]));
  const unwrap = (sealed: Pick<Sealed, "kekId" | "wrappedDek">, belongsTo: SealedFor) => {
    const key = keys.get(sealed.kekId);
    if (!key) throw unreadable("It was sealed with another master key.");
    return decrypt(key, sealed.wrappedDek, aadOf("dek", belongsTo));
  };
  return {
    isReady: true,
    kekId,
    seal(plain, belongsTo) {
      const dek = randomBytes(32);
      return {
        encryptedValue: encrypt(dek, Buffer.from(plain), aadOf("value", belongsTo)),
        wrappedDek: encrypt(masterKey, dek, aadOf("dek", belongsTo)),
        kekId,
      };
    },
    open(sealed: Sealed, belongsTo: SealedFor) {
      return decrypt(unwrap(sealed, belongsTo), sealed.encryptedValue, aadOf("value", belongsTo)).toString("utf8");
    },
    rewrap(sealed, belongsTo) {
      const dek = unwrap(sealed, belongsTo);
      return { ...sealed, wrappedDek: encrypt(masterKey, dek, aadOf("dek", belongsTo)), kekId };
    },
  };
}

/** What stands in for the vault while the master key is lost: nothing is overwritten, nothing is opened. */
export function lostSealing(): Sealing {
  const refuse = () => {
    throw new Problem(
      "vault_shut",
      "The server cannot open its secrets: its master key is not the one that sealed them.",
    );
  };
  return { isReady: false, kekId: "", seal: refuse, open: refuse, rewrap: refuse };
}

/** A secret for another use, which tells nothing of the master key. */
export function deriveSecret(masterKey: Buffer, use: string): string {
  return Buffer.from(hkdfSync("sha256", masterKey, "", `feedback-chat ${use}`, 32)).toString("base64url");
}

/** Names a master key without telling it. */
function kekIdOf(masterKey: Buffer): string {
  return createHash("sha256").update("feedback-chat kek id").update(masterKey).digest("hex").slice(0, 16);
}

function aadOf(layer: "value" | "dek", { projectId, id, type, version }: SealedFor): Buffer {
  return Buffer.from(JSON.stringify(["feedback-chat seal 1", layer, projectId, id, type, version]));
}

function encrypt(key: Buffer, plain: Buffer, aad: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, bytes: Buffer, aad: Buffer): Buffer {
  const nonce = bytes.subarray(0, nonceBytes);
  const tag = bytes.subarray(bytes.length - tagBytes);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(aad).setAuthTag(tag);
    const body = bytes.subarray(nonceBytes, bytes.length - tagBytes);
    return Buffer.concat([decipher.update(body), decipher.final()]);
  } catch (error) {
    throw unreadable("It does not open: another key, another row, or changed bytes.", error);
  }
}

function unreadable(detail: string, cause?: unknown): Problem {
  return new Problem("credential_unreadable", `A sealed secret cannot be read. ${detail}`, { cause });
}
