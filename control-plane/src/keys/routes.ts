import {
  createdKey,
  createProjectKeyRequest,
  createWorkerKeyRequest,
  keyPage,
  rotateKeyRequest,
} from "@feedback-chat/protocol/project";
import type { AppDeps } from "../app-deps.ts";
import { asWorkspace } from "../platform/as-tenant.ts";
import { actorOf, type Tenant } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { createKey } from "./create-key.ts";
import { listKeys } from "./list-keys.ts";
import { revokeKey } from "./revoke-key.ts";
import { rotateKey } from "./rotate-key.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId">;
const nowhere: Tenant = { workspaceId: "", projectId: null };

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/projects/:projectId/keys", who: "admin", of: { projectId: "project" },
    query: pageQuery, answer: keyPage, problems: ["invalid_cursor"],
    handle: ({ deps, tenant, query }) => listKeys(deps, tenant ?? nowhere, query),
  }),
  route<Deps>()({
    method: "post", path: "/v1/projects/:projectId/keys", who: "admin", of: { projectId: "project" },
    body: createProjectKeyRequest, answer: createdKey, status: 201, isCreating: true, hasSecrets: true,
    handle: ({ deps, caller, ids, tenant, body }) =>
      asWorkspace(deps.db, tenant?.workspaceId ?? "", (tx) =>
        createKey(tx, deps, {
          ...body, kind: "project", workspaceId: tenant?.workspaceId ?? "", projectId: ids["projectId"] ?? "", actor: actorOf(caller),
        }),
      ),
  }),
  route<Deps>()({
    method: "get", path: "/v1/workspaces/:workspaceId/worker-keys", who: "admin", of: { workspaceId: "workspace" },
    query: pageQuery, answer: keyPage, problems: ["invalid_cursor"],
    handle: ({ deps, tenant, query }) => listKeys(deps, tenant ?? nowhere, query),
  }),
  route<Deps>()({
    method: "post", path: "/v1/workspaces/:workspaceId/worker-keys", who: "admin", of: { workspaceId: "workspace" },
    body: createWorkerKeyRequest, answer: createdKey, status: 201, isCreating: true, hasSecrets: true,
    handle: ({ deps, caller, ids, body }) =>
      asWorkspace(deps.db, ids["workspaceId"] ?? "", (tx) =>
        createKey(tx, deps, { ...body, kind: "worker", workspaceId: ids["workspaceId"] ?? "", actor: actorOf(caller) }),
      ),
  }),
  route<Deps>()({
    method: "post", path: "/v1/keys/:keyId/rotate", who: "admin", of: { keyId: "key" },
    body: rotateKeyRequest, answer: createdKey, status: 201, isCreating: true, hasSecrets: true, problems: ["conflict"],
    handle: ({ deps, caller, ids, tenant, body }) =>
      rotateKey(deps, { caller, keyId: ids["keyId"] ?? "", tenant: tenant ?? nowhere, ...body }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/keys/:keyId", who: "admin", of: { keyId: "key" }, status: 204,
    handle: ({ deps, caller, ids, tenant }) =>
      revokeKey(deps, { caller, keyId: ids["keyId"] ?? "", tenant: tenant ?? nowhere }),
  }),
]; // prettier-ignore
