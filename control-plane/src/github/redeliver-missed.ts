import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { githubFor, type ProjectGitHub } from "./github-for.ts";
import { githubTrouble } from "./github-trouble.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log">;
export type Redelivered = { hasHookRights: boolean; count: number; trouble: string | null };
type Listed = { id: number; guid: string; event: string; delivered_at: string };

/** What starts or moves a run; the rest is not worth a redelivery. */
const wanted = new Set(["issues", "pull_request", "deployment_status"]);
const mostPages = 10;
/** GitHub tries each once more per call: with the first, an hour of the background's rounds. */
const mostAttempts = 12;
/** Of one round: below what a project's webhooks may come a minute. */
const mostAtOnce = 50;

/**
 * Has GitHub send again what its list of deliveries holds and this server does not: it failed there, or was answered
 * and is unknown here. The GUID stays the same, so what was on its way meanwhile counts once.
 */
export async function redeliverMissed(deps: Deps, projectId: string, since: Date): Promise<Redelivered> {
  const github = await githubFor(deps, projectId);
  if (!github) return { hasHookRights: false, count: 0, trouble: null };
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

async function listDeliveries({ octokit, named }: ProjectGitHub, hookId: number, since: Date): Promise<Listed[]> {
  const listed: Listed[] = [];
  const asked = { ...named, hook_id: hookId, per_page: 100 };
  let pages = 0;
  for await (const { data } of octokit.paginate.iterator(octokit.rest.repos.listWebhookDeliveries, asked)) {
    listed.push(...data.filter(({ delivered_at: at }) => new Date(at) >= since));
    const oldest = data.at(-1);
    if (++pages === mostPages || !oldest || new Date(oldest.delivered_at) < since) break;
  }
  return listed;
}

/**
 * Newest first, as GitHub lists them: an issue's end that was missed is known before its beginning comes, and no run
 * is started for nothing.
 */
async function findMissed({ db }: Deps, projectId: string, listed: Listed[]): Promise<Listed[]> {
  const byGuid = Map.groupBy(
    listed.filter(({ event }) => wanted.has(event)),
    ({ guid }) => guid,
  );
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<{ guid: string }>`select guid from fc.webhook_events
      where project_id = ${projectId} and guid = any(${[...byGuid.keys()]}::text[])`.execute(tx),
  );
  for (const { guid } of rows) byGuid.delete(guid);
  return [...byGuid.values()]
    .filter((attempts) => attempts.length < mostAttempts)
    .flatMap(([latest]) => (latest ? [latest] : []))
    .slice(0, mostAtOnce);
}
