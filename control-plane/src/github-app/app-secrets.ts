import { packSealed, unpackSealed } from "../platform/pack-sealed.ts";
import type { SealedFor, Sealing } from "../platform/sealing.ts";

export const appSecrets = ["private_key", "webhook_secret", "client_secret"] as const;
type AppSecret = (typeof appSecrets)[number];

export function sealAppSecret({ sealing }: { sealing: Sealing }, appId: string, [name, plain]: [AppSecret, string]) {
  return packSealed(sealing.seal(plain, ofApp(appId, name)));
}

/** @throws Problem vault_shut, credential_unreadable */
export function openAppSecret({ sealing }: { sealing: Sealing }, appId: string, [name, sealed]: [AppSecret, Buffer]) {
  return sealing.open(unpackSealed(sealed), ofApp(appId, name));
}

/** Of no project: the App is the instance's. */
export function ofApp(appId: string, name: AppSecret): SealedFor {
  return { projectId: "", id: appId, type: `github_app_${name}`, version: 1 };
}
