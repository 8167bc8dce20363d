import { createHash, randomBytes, randomInt } from "node:crypto";

/** Consonants only: nothing to mix up, and no words. 20^8 codes, of which few live for ten minutes. */
const letters = "BCDFGHJKLMNPQRSTVWXZ";
const userCodeLength = 8;

export function mintDeviceCodes(): { deviceCode: string; userCode: string } {
  const code = Array.from({ length: userCodeLength }, () => letters[randomInt(letters.length)]).join("");
  return { deviceCode: randomBytes(24).toString("base64url"), userCode: `${code.slice(0, 4)}-${code.slice(4)}` };
}

/** What is kept of either. A person may type the code in small letters and without its hyphen. */
export const hashDeviceCode = (code: string) => hash(code);
export const hashUserCode = (code: string) => hash(code.toUpperCase().replace(/[^A-Z]/g, ""));

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
