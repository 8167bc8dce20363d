import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { githubFor, type ProjectGitHub } from "./github-for.ts";
import { githubTrouble } from "./github-trouble.ts";
import { type Listed, pickMissed, recentOf } from "./pick-missed.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log">;
export type Redelivered = { hasHookRights: boolean; count: number; trouble: string | null };

/** What starts or moves a run; the rest is not worth a redelivery. */
const wanted = new Set(["issues", "pull_request", "deployment_status"]);

/**
 * Has GitHub send again what its list of deliveries holds and this server does not: it failed there, or was answered
 * and is unknown here. The GUID stays the same, so what was on its way meanwhile counts once.
 */
export async function redeliverMissed(deps: Deps, projectId: string, since: Date): Promise<Redelivered> {
  const github = await githubFor(deps, projectId);
  if (!github) return { hasHookRights: false, count: 0, trouble: null };
  // The App's one webhook is looked at for all its projects together.
  if (github.way === "app") return { hasHookRights: true, count: 0, trouble: null };
  try {
    const hookId = await findHook(github, projectId);
    if (hookId === null) return { hasHookRights: true, count: 0, trouble: null };
    const missed = await findMissed(deps, projectId, await listDeliveries(github, hookId, since));
    for (const { id } of missed)
      await github.octokit.rest.repos.redeliverWebhookDelivery({ ...github.named, hook_id: hookId, delivery_id: id });
    return { hasHookRights: true, count: missed.length, trouble: null };
  } catch (error) {
    const { kind, said } = githubTrouble(error, deps.now());
    // To who may not see a repository's hooks they are not there, or forbidden.
    if (kind === "access" || kind === "gone") return { hasHookRights: false, count: 0, trouble: null };
    deps.log.warn("redelivery.failed", { projectId, kind, reason: said });
    return { hasHookRights: true, count: 0, trouble: said };
  }
}

/** By the path of its address: what stands before it may have changed since. */
async function findHook({ octokit, named }: ProjectGitHub, projectId: string): Promise<number | null> {
  const path = `/api/webhook/${idOf("prj", projectId)}`;
  const hooks = await octokit.paginate(octokit.rest.repos.listWebhooks, { ...named, per_page: 100 });
  return hooks.find(({ active, config: { url } }) => active && url !== undefined && pathOf(url) === path)?.id ?? null;
}

function pathOf(url: string): string | undefined {
  return URL.parse(url)?.pathname;
}

function listDeliveries({ octokit, named }: ProjectGitHub, hookId: number, since: Date): Promise<Listed[]> {
  const asked = { ...named, hook_id: hookId, per_page: 100 };
  return recentOf(octokit.paginate.iterator(octokit.rest.repos.listWebhookDeliveries, asked), since);
}

async function findMissed({ db }: Deps, projectId: string, listed: Listed[]): Promise<Listed[]> {
  const ours = listed.filter(({ event }) => wanted.has(event));
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ guid: string }>`select guid from fc.webhook_events
      where project_id = ${projectId} and guid = any(${ours.map(({ guid }) => guid)}::text[])`.execute(tx),
  );
  return pickMissed(ours, new Set(rows.map(({ guid }) => guid)));
}
