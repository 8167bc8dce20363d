import type { Permission } from "@feedback-chat/agent/core/gate";
import { ignoringStatus } from "./ignoring-status.ts";
import type { ProjectGitHub } from "./github-for.ts";

/** An account: its id stays, its login can be renamed and taken by somebody else. Null where nobody said the id. */
export type Account = { login: string; id: number | null };

const permissions: readonly string[] = ["none", "read", "triage", "write", "maintain", "admin"];

/**
 * What an account may do in the repository; null when GitHub knows no such account. GitHub takes a login only, so the
 * answer counts when it is about this id; else the account is asked about again under the login that it has now.
 */
export async function permissionOf(github: ProjectGitHub, { login, id }: Account): Promise<Permission | null> {
  const answer = await askByLogin(github, login);
  if (id === null || answer?.id === id) return answer?.permission ?? null;
  const loginNow = await loginOf(github, id);
  const again = loginNow === null ? null : await askByLogin(github, loginNow);
  return again?.id === id ? again.permission : null;
}

/** The login that an account has now; null when it is gone. */
export async function loginOf({ octokit }: ProjectGitHub, id: number): Promise<string | null> {
  const found = await octokit.request("GET /user/{account_id}", { account_id: id }).catch(ignoringStatus(404));
  return (found?.data as { login?: string } | undefined)?.login ?? null;
}

async function askByLogin(
  { octokit, named }: ProjectGitHub,
  login: string,
): Promise<{ id: number | null; permission: Permission | null } | null> {
  const answer = await octokit.rest.repos
    .getCollaboratorPermissionLevel({ ...named, username: login })
    .catch(ignoringStatus(404));
  if (!answer) return null;
  // `permission` knows four words only; a role of the organisation's own falls back on it.
  const { role_name: role, permission, user } = answer.data;
  const known = permissions.includes(role) ? role : permission;
  return { id: user?.id ?? null, permission: permissions.includes(known) ? (known as Permission) : null };
}

export function hasTriage(permission: Permission | null): boolean {
  return permission !== null && permission !== "none" && permission !== "read";
}
