import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Sealing } from "../platform/sealing.ts";
import { openAppSecret } from "./app-secrets.ts";

/** The instance's GitHub App as people may know it. */
export type GitHubApp = { appId: string; slug: string; htmlUrl: string; clientId: string };
/** With its secrets in the clear: pass them on, keep them nowhere. */
export type OpenedApp = GitHubApp & { privateKey: string; webhookSecret: string; clientSecret: string };
type Row = GitHubApp & { privateKey: Buffer; webhookSecret: Buffer; clientSecret: Buffer };

/** As the system: the App is the instance's. @returns null while there is none. @throws Problem vault_shut, credential_unreadable */
export async function openApp(deps: { db: Db; sealing: Sealing }): Promise<OpenedApp | null> {
  const row = await readRow(deps);
  if (!row) return null;
  const { privateKey, webhookSecret, clientSecret, ...app } = row;
  return {
    ...app,
    privateKey: openAppSecret(deps, app.appId, ["private_key", privateKey]),
    webhookSecret: openAppSecret(deps, app.appId, ["webhook_secret", webhookSecret]),
    clientSecret: openAppSecret(deps, app.appId, ["client_secret", clientSecret]),
  };
}

/** Without its secrets. */
export async function readApp(deps: { db: Db }): Promise<GitHubApp | null> {
  const row = await readRow(deps);
  return row ? { appId: row.appId, slug: row.slug, htmlUrl: row.htmlUrl, clientId: row.clientId } : null;
}

async function readRow({ db }: { db: Db }): Promise<Row | undefined> {
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`select app_id as "appId", slug, html_url as "htmlUrl", client_id as "clientId", private_key as "privateKey",
      webhook_secret as "webhookSecret", client_secret as "clientSecret" from fc.github_app`.execute(tx),
  );
  return rows[0];
}
