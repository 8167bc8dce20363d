import { createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";

/** A new secret, as receivers' libraries want it. */
export function mintEndpointSecret(): string {
  return prefix + randomBytes(32).toString("base64");
}

type Message = { id: string; sentAt: Date; body: string };

/** The headers of the Standard Webhooks specification, version 1: the receiver knows who sent it, and when. */
export function signMessage(secret: string, { id, sentAt, body }: Message): Record<string, string> {
  const seconds = Math.floor(sentAt.getTime() / 1_000);
  const key = Buffer.from(secret.slice(prefix.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": `${seconds}`, "webhook-signature": `v1,${signature}` };
}
