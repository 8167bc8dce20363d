import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { Hub, Permissions, User } from "../hub.ts";
import type { GithubApp } from "./app-state.ts";

export type NewApp = {
  name: string;
  owner: User;
  homepage: string;
  description?: string;
  permissions: Permissions;
  events: string[];
  callbackUrls: string[];
  setupUrl: string | null;
  hookUrl: string;
};

/** Registers an app; its private key and its secrets are what GitHub shows once. */
export function createApp(hub: Hub, wanted: NewApp): { app: GithubApp; privateKey: string } {
  const { name, owner, homepage, description = "", permissions, events, callbackUrls, setupUrl } = wanted;
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    // As GitHub gives it: PKCS#1.
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const id = hub.newId();
  const now = hub.now();
  const hook = {
    id: hub.newId(), url: wanted.hookUrl, secret: randomBytes(20).toString("hex"), contentType: "json" as const,
    events, isActive: true, createdAt: now, updatedAt: now, deliveries: [], appId: id,
  }; // prettier-ignore
  const app: GithubApp = {
    id, slug: slugOf(name), name, description, owner, homepage, clientId: `Iv23${randomBytes(8).toString("hex")}`,
    clientSecret: randomBytes(20).toString("hex"), publicKey, permissions, events, callbackUrls, setupUrl, hook,
    installations: new Map(), createdAt: now,
  }; // prettier-ignore
  hub.apps.byId.set(id, app);
  hub.pingApp(app);
  return { app, privateKey };
}

export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
