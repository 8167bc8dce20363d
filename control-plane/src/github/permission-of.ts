import type { Permission } from "@feedback-chat/agent/core/gate";
import type { ProjectGitHub } from "./github-for.ts";
import { ignoringStatus } from "./ignoring-status.ts";

const permissions: readonly string[] = ["none", "read", "triage", "write", "maintain", "admin"];

/** What a person may do in the repository; null when GitHub knows no such person. */
export async function permissionOf({ octokit, named }: ProjectGitHub, login: string): Promise<Permission | null> {
  const answer = await octokit.rest.repos
    .getCollaboratorPermissionLevel({ ...named, username: login })
    .catch(ignoringStatus(404));
  if (!answer) return null;
  // `permission` knows four words only; a role of the organisation's own falls back on it.
  const { role_name: role, permission } = answer.data;
  const known = permissions.includes(role) ? role : permission;
  return permissions.includes(known) ? (known as Permission) : null;
}

export function hasTriage(permission: Permission | null): boolean {
  return permission !== null && permission !== "none" && permission !== "read";
}
