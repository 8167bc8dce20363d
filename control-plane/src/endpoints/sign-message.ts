import { createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";

/** A new secret, as receivers' libraries want it. */
export function mintEndpointSecret(): string {
  return prefix + randomBytes(32).toString("base64");
}

type Message = { id: string; sentAt: Date; body: string };

/**
 * The headers of the Standard Webhooks specification, version 1: the receiver knows who sent it, and when. Signed with
 * each secret: a receiver takes a message of which it knows one.
 */
export function signMessage(secrets: readonly string[], { id, sentAt, body }: Message): Record<string, string> {
  const seconds = Math.floor(sentAt.getTime() / 1_000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": `${seconds}`, "webhook-signature": signatures.join(" ") };
}
