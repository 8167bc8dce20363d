import { randomBytes } from "node:crypto";
import { repositoryOf, userOf } from "../find.ts";
import type { Hub, Level, Permission, Permissions, Role, Token } from "../hub.ts";
import type { Repo } from "./who.ts";

export type NewToken = {
  login: string;
  /**
   * `classic` (default): everything its scopes say, `["repo", "workflow"]` unless told. `fine_grained` and
   * `installation` (its login ends with `[bot]`): exactly `permissions`, in `repositories`.
   */
  kind?: Exclude<Token["kind"], "app_user">;
  scopes?: string[];
  permissions?: Permissions;
  /** `owner/name`s; all that the login reaches unless told. */
  repositories?: string[];
  expiresAt?: Date;
};

/** People and what proves who they are. */
export function tokenHandles(hub: Hub) {
  return {
    /** Makes a token and gives its value. A user that it names for the first time is made. */
    addToken(wanted: NewToken): string {
      const { login, kind = "classic", expiresAt = null, repositories } = wanted;
      const scopes = wanted.scopes ?? (kind === "classic" ? ["repo", "workflow"] : []);
      const prefix = { classic: "ghp_", fine_grained: "github_pat_", installation: "ghs_" }[kind];
      const value = prefix + randomBytes(18).toString("hex");
      const user = userOf(hub, login, kind === "installation" ? "Bot" : "User");
      const ids = repositories?.map((name) => repositoryOf(hub, name).id);
      const permissions = kind === "classic" ? permissionsOfScopes(scopes) : (wanted.permissions ?? {});
      hub.tokens.set(value, {
        kind,
        user,
        scopes,
        permissions,
        repositoryIds: ids ? new Set(ids) : null,
        expiresAt,
      });
      return value;
    },
    /** From now on the token is answered with 401. */
    revokeToken(value: string): void {
      hub.tokens.delete(value);
    },
    addUser(login: string, type: "User" | "Organization" | "Bot" = "User"): { id: number; login: string } {
      const user = userOf(hub, login, type);
      return { id: user.id, login: user.login };
    },
    /** The account keeps its id and its roles; its login is free for another one. */
    renameUser({ login, to }: { login: string; to: string }): void {
      const user = userOf(hub, login);
      const [before, after] = [login.toLowerCase(), to.toLowerCase()];
      user.login = to;
      hub.users.delete(before);
      hub.users.set(after, user);
      for (const { roles } of hub.repositories.values()) {
        const role = roles.get(before);
        roles.delete(before);
        if (role) roles.set(after, role);
      }
    },
    setRole({ repo, login, role }: Repo & { login: string; role: Role }): void {
      repositoryOf(hub, repo).roles.set(userOf(hub, login).login.toLowerCase(), role);
    },
  };
}

const ofRepo: Permission[] = [
  "metadata",
  "contents",
  "issues",
  "pull_requests",
  "deployments",
  "statuses",
  "checks",
  "repository_hooks",
  "administration",
];

function permissionsOfScopes(scopes: string[]): Permissions {
  const write = (permissions: Permission[]) =>
    Object.fromEntries(permissions.map((name) => [name, "write" satisfies Level]));
  return {
    ...(scopes.includes("repo") ? write(ofRepo) : {}),
    ...(scopes.includes("admin:repo_hook") ? write(["repository_hooks"]) : {}),
    ...(scopes.includes("workflow") ? write(["workflows"]) : {}),
  };
}
