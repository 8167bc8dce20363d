import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { wakeWaitingRuns } from "../credentials/wake-waiting-runs.ts";
import { queueEffects } from "../outbox/queue-effects.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, type Caller, hasRole } from "../platform/caller.ts";
import { writeAudit } from "../platform/write-audit.ts";
import { exchangeCode } from "./exchange-code.ts";
import type { OpenedApp } from "./open-app.ts";
import { proveAccess } from "./prove-access.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId">;
type Input = { caller: Caller; projectId: string; app: OpenedApp; code: string; state: string };
type Project = { name: string; githubRepo: string; githubRepoId: string | null; workspaceId: string };

/**
 * From now on the App serves the project: its tokens, its webhook. A token and a webhook of its own may stay; of an
 * event that comes by both, one counts. Labels are made, and runs that waited for access go on.
 * @returns the project's name, for the page.
 * @throws Problem not_found, forbidden, conflict (another repository of this name), github_access, github_unreachable
 */
export async function connectProject(deps: Deps, input: Input): Promise<{ name: string; repository: string }> {
  const { caller, projectId, app, code, state } = input;
  const project = await readProject(deps, caller, projectId);
  const userToken = await exchangeCode(deps, app, { code, state });
  const proven = await proveAccess(deps, { app, userToken, githubRepo: project.githubRepo, projectId });
  if (project.githubRepoId !== null && project.githubRepoId !== String(proven.repositoryId))
    throw new Problem(
      "conflict",
      `${proven.fullName} is another repository than the one that this project began with.`,
      {
        next: "Make a new project for it.",
      },
    );
  await asProject(deps.db, projectId, async (tx) => {
    const actor = actorOf(caller);
    // The jobs first: the project is locked last.
    await wakeWaitingRuns(tx, { projectId, actor });
    await sql`update fc.projects set github_installation_id = ${proven.installationId}, github_access = 'active',
      github_repo_id = ${proven.repositoryId}, github_repo = ${proven.fullName}, is_private = ${proven.isPrivate}
      where id = ${projectId} and deleted_at is null`.execute(tx);
    await queueEffects(tx, { projectId, runId: null }, [{ kind: "project_labels" }]);
    await writeAudit(tx, {
      id: deps.newId(), workspaceId: project.workspaceId, projectId, actor, action: "github_app.connected", target: idOf("prj", projectId),
    }); // prettier-ignore
  });
  return { name: project.name, repository: proven.fullName };
}

/** The role may have changed while the person was at GitHub's. */
async function readProject({ db }: Deps, caller: Caller, projectId: string): Promise<Project> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Project>`select name, github_repo as "githubRepo", github_repo_id as "githubRepoId", workspace_id as "workspaceId"
      from fc.projects where id = ${projectId} and deleted_at is null`.execute(tx),
  );
  const project = rows[0];
  const held = caller.kind === "user" && project ? caller.roles[project.workspaceId] : undefined;
  if (!project || !held) throw new Problem("not_found", "There is no such project.");
  if (!hasRole(held, "admin")) throw new Problem("forbidden", "This needs the role admin.");
  return project;
}
