import type { Octokit } from "@octokit/rest";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { type Listed, pickMissed, recentOf } from "../github/pick-missed.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { openApp } from "./open-app.ts";
import { signAppToken } from "./sign-app-token.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log">;
type Redelivered = { count: number; trouble: string | null };

/** What moves a run, and what tells of the App's access. */
const wanted = new Set([
  "issues", "pull_request", "deployment_status", "repository", "installation", "installation_repositories",
]); // prettier-ignore

/**
 * Has GitHub send again what the App's webhook missed: what its list holds and this server did not take. The GUID stays
 * the same, so what was on its way meanwhile counts once.
 */
export async function redeliverAppMissed(deps: Deps, since: Date): Promise<Redelivered> {
  const app = await openApp(deps);
  if (!app) return { count: 0, trouble: null };
  const github = openOctokit(deps.config.githubApiUrl, signAppToken(app, deps.now()));
  try {
    const listed = (await listRecent(github, since)).filter(({ event }) => wanted.has(event));
    const missed = pickMissed(listed, await listTaken(deps, listed));
    for (const { id } of missed) await github.rest.apps.redeliverWebhookDelivery({ delivery_id: id });
    return { count: missed.length, trouble: null };
  } catch (error) {
    const { kind, said } = githubTrouble(error, deps.now());
    deps.log.warn("redelivery.failed", { kind, reason: said });
    return { count: 0, trouble: said };
  }
}

function listRecent(github: Octokit, since: Date): Promise<Listed[]> {
  return recentOf(github.paginate.iterator(github.rest.apps.listWebhookDeliveries, { per_page: 100 }), since);
}

/** As the system: the App's webhook is the instance's. */
async function listTaken({ db }: Deps, listed: Listed[]): Promise<Set<string>> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ guid: string }>`select guid from fc.github_app_deliveries
      where guid = any(${listed.map(({ guid }) => guid)}::text[])`.execute(tx),
  );
  return new Set(rows.map(({ guid }) => guid));
}
