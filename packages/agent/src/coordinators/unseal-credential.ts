import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";

/**
 * The key pair of one worker process, and what opens a credential that was sealed to it (HPKE, RFC 9180, base mode).
 *
 * What the sealing side has to do: suite DHKEM(X25519, HKDF-SHA256) + HKDF-SHA256 + AES-256-GCM; recipient = the
 * 32 raw bytes behind `publicKey` (base64url, no padding); `info` = UTF-8 of `credentialInfo(lease, purpose)`;
 * empty AAD; plaintext = UTF-8 of the secret. The answer carries `enc` and `ciphertext` (with its tag) as base64url
 * without padding, and the credential's `type` in the clear.
 */
export type UnsealKey = {
  publicKey: string;
  /** @throws when it was sealed to another key, job, attempt or purpose. */
  open(sealed: { enc: string; ciphertext: string }, info: string): Promise<string>;
};

/** A fresh key at each start: what was sealed for an earlier process stays closed. */
export async function createUnsealKey(): Promise<UnsealKey> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const pair = await suite.kem.generateKeyPair();
  const raw = await suite.kem.serializePublicKey(pair.publicKey);
  return {
    publicKey: Buffer.from(raw).toString("base64url"),
    async open(sealed, info) {
      const recipient = await suite.createRecipientContext({
        recipientKey: pair.privateKey,
        enc: Buffer.from(sealed.enc, "base64url"),
        info: new TextEncoder().encode(info),
      });
      return new TextDecoder().decode(await recipient.open(Buffer.from(sealed.ciphertext, "base64url")));
    },
  };
}
