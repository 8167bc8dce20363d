import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

export type SealedSecret = { enc: string; ciphertext: string };

/** Raw X25519 key, base64url without padding: what a worker registers. */
export function isPublicKey(publicKey: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(publicKey);
}

/** Closes a secret so that only the holder of the key can open it, and only with the same `info` (HPKE, RFC 9180, base mode). */
export async function sealForWorker(publicKey: string, secret: string, info: string): Promise<SealedSecret> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(Buffer.from(publicKey, "base64url"));
  const utf8 = new TextEncoder();
  const sender = await suite.createSenderContext({ recipientPublicKey, info: utf8.encode(info) });
  const ciphertext = await sender.seal(utf8.encode(secret));
  return {
    enc: Buffer.from(sender.enc).toString("base64url"),
    ciphertext: Buffer.from(ciphertext).toString("base64url"),
  };
}
