import { createHash, randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

export const keyKinds = { project: "fcp", worker: "fcw", user: "fcu" } as const;
export type KeyKind = keyof typeof keyKinds;

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 32 letters of 62 are 190 bits. */
const randomLetters = 32;
const checkLetters = 6;
const wellFormed = new RegExp(`^(fc[pwu])_[0-9A-Za-z]{${randomLetters + checkLetters}}$`);

/** What is kept of a key: never the key itself. `prefix` is what lists show. */
export type MintedKey = { key: string; hash: Buffer; prefix: string };

/** A new secret of ours, such as `fcw_…`: 190 random bits and a checksum, so that scanners and we know one by its looks. */
export function mintKey(kind: KeyKind): MintedKey {
  const letters = Array.from({ length: randomLetters }, () => alphabet[randomInt(alphabet.length)]);
  const body = `${keyKinds[kind]}_${letters.join("")}`;
  const key = body + checksumOf(body);
  return { key, hash: hashKey(key), prefix: key.slice(0, 12) };
}

/** What the database holds: with 190 random bits a plain hash is as good as a slow one. */
export function hashKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** False for anything that we cannot have made: no look-up needed. */
export function isWellFormedKey(key: string): boolean {
  return wellFormed.test(key) && key.endsWith(checksumOf(key.slice(0, -checkLetters)));
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let letters = "";
  for (let i = 0; i < checkLetters; i++) {
    letters = alphabet[rest % alphabet.length] + letters;
    rest = Math.floor(rest / alphabet.length);
  }
  return letters;
}
