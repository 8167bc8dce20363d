import { covers, installationOf } from "./apps/app-state.ts";
import { type Hub, type Level, type Permission, type Repository, type Role, roles, type Token } from "./hub.ts";
import { notFound, refusal } from "./refuse.ts";

export type Need = { permission: Permission; level: Level; role?: Role };

/**
 * The token of an `Authorization` header (`token …`, `Bearer …`, or Basic with the token as password); null
 * without one.
 * @throws 401 for a token that is unknown or whose time is over.
 */
export function authenticate(hub: Hub, header: string | null | undefined): Token | null {
  if (!header) return null;
  const token = hub.tokens.get(secretIn(header));
  if (!token || (token.expiresAt && token.expiresAt <= hub.now())) throw refusal(401, "Bad credentials");
  if (token.installation?.suspendedAt) throw refusal(403, "This installation has been suspended");
  return token;
}

export function secretIn(header: string): string {
  const [scheme = "", value = ""] = header.split(/\s+/, 2);
  if (scheme.toLowerCase() !== "basic") return value;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** What a user may do; everybody reads a public repository. */
export function roleOf(repository: Repository, login: string): Role {
  if (repository.owner.login.toLowerCase() === login.toLowerCase()) return "admin";
  return repository.roles.get(login.toLowerCase()) ?? (repository.isPrivate ? "none" : "read");
}

export function hasRole(repository: Repository, login: string, wanted: Role): boolean {
  return roles.indexOf(roleOf(repository, login)) >= roles.indexOf(wanted);
}

/** Whether the caller may know that the repository exists. */
export function canSee(repository: Repository, token: Token | null): boolean {
  if (!repository.isPrivate) return true;
  if (!token || !reaches(token, repository)) return false;
  return token.kind === "installation" || hasRole(repository, token.user.login, "read");
}

/**
 * Refuses as GitHub does: 404 for what the caller may not see, 401 for a write without a token, 403 naming the
 * missing permission in `X-Accepted-GitHub-Permissions`, 403 for a missing role or an archived repository.
 */
export function demand(repository: Repository, token: Token | null, need: Need): void {
  if (!canSee(repository, token)) throw notFound();
  const isPublicRead = need.level === "read" && !repository.isPrivate && !need.role;
  if (!token) {
    if (isPublicRead) return;
    throw refusal(401, "Requires authentication");
  }
  if (!isPublicRead && !grants(token, repository, need)) throw lacksPermission(token, need);
  if (need.role && token.kind !== "installation" && !hasRole(repository, token.user.login, need.role)) {
    if (need.role === "admin" && !hasRole(repository, token.user.login, "write")) throw notFound();
    throw refusal(
      403,
      need.role === "admin" ? "Must have admin rights to Repository." : `Must have ${need.role} access.`,
    );
  }
  if (need.level === "write" && repository.isArchived) throw refusal(403, "Repository was archived so is read-only.");
}

function reaches(token: Token, repository: Repository): boolean {
  if (token.installation && !covers(token.installation, repository)) return false;
  if (token.app && !installationOf(token.app, repository)) return false;
  return token.repositoryIds === null || token.repositoryIds.has(repository.id);
}

/** What the token itself is allowed, before the role of its user is asked. */
export function grants(token: Token, repository: Repository, need: Pick<Need, "permission" | "level">): boolean {
  if (!reaches(token, repository)) return false;
  if (need.permission === "metadata" && need.level === "read") return true;
  const level = token.permissions[need.permission];
  return level === "write" || (level === "read" && need.level === "read");
}

function lacksPermission(token: Token, { permission, level }: Need) {
  const who = token.kind === "installation" || token.kind === "app_user" ? "integration" : "personal access token";
  return refusal(403, `Resource not accessible by ${who}`, {
    headers: { "x-accepted-github-permissions": `${permission}=${level}` },
  });
}
