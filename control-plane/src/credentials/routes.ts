import { createCredentialRequest, credential, credentialPage, credentialTest } from "@feedback-chat/protocol/project";
import type { AppDeps } from "../app-deps.ts";
import { projectOf } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { deleteCredential } from "./delete-credential.ts";
import { listCredentials } from "./list-credentials.ts";
import { setCredential } from "./set-credential.ts";
import { testCredential } from "./test-credential.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "now" | "config">;

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/projects/:projectId/credentials", who: "admin", of: { projectId: "project" },
    query: pageQuery, answer: credentialPage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) => listCredentials(deps, ids["projectId"] ?? "", query),
  }),
  route<Deps>()({
    method: "post", path: "/v1/projects/:projectId/credentials", who: "admin", of: { projectId: "project" },
    body: createCredentialRequest, answer: credential, status: 201, isCreating: true,
    problems: ["credential_type_not_allowed", "github_access"],
    handle: ({ deps, caller, ids, tenant, body }) =>
      setCredential(deps, { caller, projectId: ids["projectId"] ?? "", workspaceId: tenant?.workspaceId ?? "", wanted: body }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/credentials/:credentialId/test", who: "admin", of: { credentialId: "credential" },
    answer: credentialTest, problems: ["rate_limited"],
    handle: ({ deps, caller, ids, tenant }) =>
      testCredential(deps, {
        caller, credentialId: ids["credentialId"] ?? "", projectId: projectOf(tenant), workspaceId: tenant?.workspaceId ?? "",
      }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/credentials/:credentialId", who: "admin", of: { credentialId: "credential" }, status: 204,
    handle: ({ deps, caller, ids, tenant }) =>
      deleteCredential(deps, {
        caller, credentialId: ids["credentialId"] ?? "", projectId: tenant?.projectId ?? "", workspaceId: tenant?.workspaceId ?? "",
      }),
  }),
]; // prettier-ignore
