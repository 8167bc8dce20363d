import { randomBytes } from "node:crypto";
import { packSealed, unpackSealed } from "../platform/pack-sealed.ts";
import type { Sealing } from "../platform/sealing.ts";

type Deps = { sealing: Sealing };

/** A new secret for GitHub to sign with. */
export function mintWebhookSecret(): string {
  return randomBytes(32).toString("base64url");
}

export function sealWebhookSecret({ sealing }: Deps, projectId: string, secret: string): Buffer {
  return packSealed(sealing.seal(secret, belongsTo(projectId)));
}

/**
 * What may have signed a delivery: the secret, and the one before while its grace lasts (the caller's query says so).
 * @throws Problem vault_shut, credential_unreadable: no signature can be checked then.
 */
export function webhookSecretsOf(
  { sealing }: Deps,
  project: { id: string; secret: Buffer; previousSecret: Buffer | null },
): string[] {
  const sealed = project.previousSecret ? [project.secret, project.previousSecret] : [project.secret];
  return sealed.map((bytes) => sealing.open(unpackSealed(bytes), belongsTo(project.id)));
}

const belongsTo = (projectId: string) => ({
  projectId,
  id: projectId,
  type: "webhook_secret",
  version: 1,
});
