import type { Hook, Permissions, Repository, User } from "../hub.ts";

/** A GitHub App as its settings page shows it. Its private key is given away once and not kept. */
export type GithubApp = {
  id: number;
  slug: string;
  name: string;
  description: string;
  owner: User;
  homepage: string;
  clientId: string;
  clientSecret: string;
  /** PEM of the public half. */
  publicKey: string;
  permissions: Permissions;
  events: string[];
  callbackUrls: string[];
  setupUrl: string | null;
  /** One webhook for all its installations. */
  hook: Hook;
  installations: Map<number, Installation>;
  createdAt: Date;
};

export type Installation = {
  id: number;
  account: User;
  selection: "all" | "selected";
  /** Of a selection; unused for `all`. */
  repositoryIds: Set<number>;
  permissions: Permissions;
  suspendedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
};

/** What a code of GitHub's pages stands for, until it is used or its time is over. */
export type OneTimeCode = { expiresAt: Date } & (
  | { kind: "manifest"; app: GithubApp; privateKey: string }
  | { kind: "oauth"; app: GithubApp; user: User; redirectUri: string; challenge: string | null }
);

export type AppState = { byId: Map<number, GithubApp>; codes: Map<string, OneTimeCode> };

export function covers(installation: Installation, repository: Repository): boolean {
  return installation.selection === "all"
    ? installation.account.id === repository.owner.id
    : installation.repositoryIds.has(repository.id);
}

export function installationOf(app: GithubApp, repository: Repository): Installation | undefined {
  return [...app.installations.values()].find((installation) => covers(installation, repository));
}

export function repositoriesOf(all: Iterable<Repository>, installation: Installation): Repository[] {
  return [...all].filter((repository) => covers(installation, repository));
}
