import { createHash, randomBytes } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";

const prefix = "fcr_";

/** A new secret that opens one report's page: 192 random bits. Only its hash is kept. */
export function mintReporterToken(): { token: string; hash: Buffer } {
  const token = prefix + randomBytes(24).toString("base64url");
  return { token, hash: hashReporterToken(token) };
}

export function hashReporterToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

export function isReporterToken(bearer: string): boolean {
  return bearer.startsWith(prefix);
}

/** The token stands in the fragment, which reaches no log. */
export function reporterLink(publicUrl: string | undefined, feedbackId: string, token: string): string {
  return `${publicUrl ?? ""}/r/${idOf("fb", feedbackId)}#${token}`;
}
