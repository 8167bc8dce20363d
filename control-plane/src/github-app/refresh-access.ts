import { systemActor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Octokit } from "@octokit/rest";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { wakeWaitingRuns } from "../credentials/wake-waiting-runs.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { openOctokit } from "../github/open-octokit.ts";
import { asProject, asSystem } from "../platform/as-tenant.ts";
import { writeAudit } from "../platform/write-audit.ts";
import type { Access } from "./find-connection.ts";
import { openApp } from "./open-app.ts";
import { signAppToken } from "./sign-app-token.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config" | "now" | "log">;
/** `removed`: repositories that the installation may have lost; null when it is about the whole of it. */
type Changed = { installationId: number; removed: number[] | null };
type Project = { id: string; workspaceId: string; repositoryId: string; access: Access };

/**
 * Brings the projects of an installation to what GitHub says of it now. Deliveries may come late and in any order, so
 * an event only says that something changed. What is removed stays so until a person connects it again: who owns the
 * repository may have changed.
 * @throws Problem github_unreachable: nothing was changed.
 */
export async function refreshAccess(deps: Deps, changed: Changed): Promise<void> {
  const projects = await findProjects(deps, changed);
  if (projects.length === 0) return;
  const app = await openApp(deps);
  if (!app) return;
  const github = openOctokit(deps.config.githubApiUrl, signAppToken(app, deps.now()));
  const whole = await askInstallation(deps, github, changed.installationId);
  const kept = changed.removed && whole === "active" ? await listKept(deps, github, changed.installationId) : null;
  for (const project of projects) {
    const access = kept && !kept.has(Number(project.repositoryId)) ? "removed" : whole;
    if (project.access !== access) await setAccess(deps, project, access);
  }
}

/** As the system: an installation may serve projects of several workspaces. */
async function findProjects({ db }: Deps, { installationId, removed }: Changed): Promise<Project[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<Project>`
      select id, workspace_id as "workspaceId", github_repo_id as "repositoryId", github_access as access from fc.projects
      where github_installation_id = ${installationId} and github_access <> 'removed' and deleted_at is null
        and (${removed}::bigint[] is null or github_repo_id = any (${removed}::bigint[])) order by id`.execute(tx),
  );
  return rows;
}

async function askInstallation({ now }: Deps, github: Octokit, installationId: number): Promise<Access> {
  try {
    const { data } = await github.rest.apps.getInstallation({ installation_id: installationId });
    return data.suspended_at ? "suspended" : "active";
  } catch (error) {
    const { kind, said } = githubTrouble(error, now());
    if (kind === "gone") return "removed";
    throw new Problem("github_unreachable", `GitHub cannot be asked about its App: ${said}`, { cause: error });
  }
}

/** Ids of the repositories that the installation has now. */
async function listKept({ config, now }: Deps, github: Octokit, installationId: number): Promise<Set<number>> {
  try {
    const permissions = { metadata: "read" } as const;
    const { data } = await github.rest.apps.createInstallationAccessToken({
      installation_id: installationId,
      permissions,
    });
    const its = openOctokit(config.githubApiUrl, data.token);
    const all = await its.paginate(its.rest.apps.listReposAccessibleToInstallation, { per_page: 100 });
    return new Set(all.map(({ id }) => id));
  } catch (error) {
    const { said } = githubTrouble(error, now());
    throw new Problem("github_unreachable", `GitHub cannot be asked about its App: ${said}`, { cause: error });
  }
}

async function setAccess(deps: Deps, { id, workspaceId }: Project, access: Access): Promise<void> {
  await asProject(deps.db, id, async (tx) => {
    // The jobs first: the project is locked last.
    if (access === "active") await wakeWaitingRuns(tx, { projectId: id, actor: systemActor });
    await sql`update fc.projects set github_access = ${access} where id = ${id} and github_installation_id is not null`.execute(
      tx,
    );
    await writeAudit(tx, {
      id: deps.newId(), workspaceId, projectId: id, actor: systemActor, action: `github_app.${access}`, target: idOf("prj", id),
    }); // prettier-ignore
  });
  deps.log.info("github_app.access", { projectId: id, access });
}
