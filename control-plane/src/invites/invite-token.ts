import { createHash, randomBytes } from "node:crypto";

/** 192 random bits: what the mail carries. */
export const mintInviteToken = () => randomBytes(24).toString("base64url");

/** What is kept of it. */
export function hashInviteToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
