import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

export type HookedProject = {
  id: string;
  githubRepo: string;
  /** A bigint column: text on its way through the driver. */
  githubRepoId: string | null;
  isPrivate: boolean;
  isPaused: boolean;
  triggerLabel: string;
  secret: Buffer;
  /** Only while its grace lasts. */
  previousSecret: Buffer | null;
};

/** The project that a webhook names in its address, with its sealed secrets. */
export async function findProject(tx: Tx, projectId: string): Promise<HookedProject | undefined> {
  const { rows } = await hookedProject(projectId).execute(tx);
  return rows[0];
}

/** As a statement, for others to ask more in the same round trip. */
export function hookedProject(projectId: string) {
  return sql<HookedProject>`
    select id, github_repo as "githubRepo", github_repo_id as "githubRepoId", is_private as "isPrivate", is_paused as "isPaused",
      trigger_label as "triggerLabel", webhook_secret as secret,
      case when webhook_secret_previous_until > now() then webhook_secret_previous end as "previousSecret"
    from fc.projects where id = ${projectId} and deleted_at is null`;
}

type NamedRepository = { id: number; full_name: string; private?: boolean | undefined };

/** The repository's id decides; only before it is known does the name. A rename keeps the id. */
export function isOfProject(project: HookedProject, repository: NamedRepository): boolean {
  return project.githubRepoId === null
    ? project.githubRepo.toLowerCase() === repository.full_name.toLowerCase()
    : project.githubRepoId === String(repository.id);
}

/** Takes over the id, a new name and whether it is private. One statement, and only if something changed. */
export async function noteRepository(tx: Tx, project: HookedProject, repository: NamedRepository): Promise<void> {
  const isPrivate = repository.private ?? project.isPrivate;
  const isKnown =
    project.githubRepoId === String(repository.id) &&
    project.githubRepo === repository.full_name &&
    project.isPrivate === isPrivate;
  if (isKnown) return;
  await sql`update fc.projects set github_repo_id = ${repository.id}, github_repo = ${repository.full_name}, is_private = ${isPrivate}
    where id = ${project.id}`.execute(tx);
}
