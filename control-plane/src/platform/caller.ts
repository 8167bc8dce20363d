import type { Actor } from "@feedback-chat/protocol/actor";

export const roles = ["viewer", "member", "admin", "owner"] as const;
export type Role = (typeof roles)[number];
export const keyScopes = ["status:read", "runs:read", "feedback:write", "runs:act"] as const;
export type KeyScope = (typeof keyScopes)[number];

/** Whom a route lets in. A role is the least one, by session or CLI token; `key:` a project key with that scope. */
export type Who =
  | "anyone"
  | "github"
  | "worker"
  | "lease"
  | "user"
  | "operator"
  | "reporter"
  | Role
  | `key:${KeyScope}`;

/** Who calls, as the secret or the cookie proved it. Uuids, not wire ids. */
export type Caller =
  | { kind: "anyone" }
  | {
      kind: "user";
      userId: string;
      login: string;
      email: string | null;
      isOperator: boolean;
      roles: Record<string, Role>;
    }
  | {
      kind: "key";
      keyId: string;
      projectId: string;
      workspaceId: string;
      prefix: string;
      scopes: string[];
    }
  /** By the private link of one report. */
  | { kind: "reporter"; feedbackId: string; projectId: string; workspaceId: string }
  | { kind: "worker"; keyId: string; workspaceId: string; prefix: string };

/** The row of the lease that an L route was proven to hold. */
export type HeldLease = {
  jobId: string;
  runId: string;
  projectId: string;
  attempt: number;
  token: string;
};

/** What a route is about; found by its id before anything else, and only if the caller may see it. */
export type Tenant = { workspaceId: string; projectId: string | null };

export function actorOf(caller: Caller): Actor {
  switch (caller.kind) {
    case "user":
      return { kind: "user", id: caller.userId, login: caller.login };
    case "key":
      return { kind: "key", id: caller.keyId, login: caller.prefix };
    case "worker":
      return { kind: "worker", id: caller.keyId };
    case "reporter":
      return { kind: "reporter", id: caller.feedbackId };
    case "anyone":
      return { kind: "system", id: null };
  }
}

/** A role includes those below it. */
export function hasRole(held: Role | undefined, least: Role): boolean {
  return held !== undefined && roles.indexOf(held) >= roles.indexOf(least);
}

/** Of a route with `who: "worker"` or `"lease"`: the platform let nobody else in. */
export function workerOf(caller: Caller): { keyId: string; workspaceId: string } {
  if (caller.kind !== "worker") throw new TypeError(`A ${caller.kind} came through a worker's route.`);
  return { keyId: caller.keyId, workspaceId: caller.workspaceId };
}

/** Of a route whose path names a thing of one project. */
export function projectOf(tenant: Tenant | null): string {
  if (!tenant?.projectId) throw new TypeError("This route names nothing of a project.");
  return tenant.projectId;
}
