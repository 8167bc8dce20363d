import { createMemberAnswer, createMemberRequest, workspacePage } from "@feedback-chat/protocol/account";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { me } from "@feedback-chat/protocol/project";
import { memberPage, patchMemberRequest, workspace, workspaceRequest } from "@feedback-chat/protocol/workspace";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { actorOf, type Caller } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import type { Sessions } from "../sessions/open-sessions.ts";
import { changeMember, removeMember } from "./change-member.ts";
import { deleteWorkspace, renameWorkspace } from "./change-workspace.ts";
import { createMember } from "./create-member.ts";
import { createWorkspace } from "./create-workspace.ts";
import { listMembers } from "./list-members.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { readMe } from "./read-me.ts";
import { readWorkspace } from "./read-workspace.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config"> & { sessions: Sessions };

const memberParams = z.object({ workspaceId: z.string(), userId: z.string() });

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/me", who: "user", answer: me,
    handle: ({ deps, caller }) => readMe(deps, caller),
  }),
  route<Deps>()({
    method: "get", path: "/v1/workspaces", who: "user", query: pageQuery, answer: workspacePage,
    problems: ["invalid_cursor"],
    handle: ({ deps, caller, query }) => listWorkspaces(deps, caller, query),
  }),
  route<Deps>()({
    method: "post", path: "/v1/workspaces", who: "user", body: workspaceRequest, answer: workspace, status: 201, isCreating: true,
    handle: ({ deps, caller, body }) =>
      createWorkspace(deps, { owner: { userId: userIdOf(caller), actor: actorOf(caller) }, name: body.name }),
  }),
  route<Deps>()({
    method: "get", path: "/v1/workspaces/:workspaceId", who: "viewer", of: { workspaceId: "workspace" }, answer: workspace,
    handle: ({ deps, caller, ids }) => readWorkspace(deps, { caller, workspaceId: ids["workspaceId"] ?? "" }),
  }),
  route<Deps>()({
    method: "patch", path: "/v1/workspaces/:workspaceId", who: "admin", of: { workspaceId: "workspace" },
    body: workspaceRequest, answer: workspace,
    handle: ({ deps, caller, ids, body }) =>
      renameWorkspace(deps, { caller, workspaceId: ids["workspaceId"] ?? "", name: body.name }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/workspaces/:workspaceId", who: "owner", of: { workspaceId: "workspace" }, status: 204,
    problems: ["conflict"],
    handle: ({ deps, caller, ids }) => deleteWorkspace(deps, { caller, workspaceId: ids["workspaceId"] ?? "" }),
  }),
  route<Deps>()({
    method: "get", path: "/v1/workspaces/:workspaceId/members", who: "viewer", of: { workspaceId: "workspace" },
    query: pageQuery, answer: memberPage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) =>
      listMembers(deps, { workspaceId: ids["workspaceId"] ?? "", limit: query.limit, cursor: query.cursor }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/workspaces/:workspaceId/members", who: "admin", of: { workspaceId: "workspace" },
    body: createMemberRequest, answer: createMemberAnswer, status: 201, isCreating: true, hasSecrets: true,
    problems: ["name_taken", "forbidden", "not_found"],
    handle: ({ deps, caller, ids, body }) =>
      createMember(deps, { caller, workspaceId: ids["workspaceId"] ?? "", wanted: body }),
  }),
  route<Deps>()({
    method: "patch", path: "/v1/workspaces/:workspaceId/members/:userId", who: "admin", of: { workspaceId: "workspace" },
    params: memberParams, body: patchMemberRequest, status: 204, problems: ["last_owner"],
    handle: ({ deps, caller, ids, params, body }) =>
      changeMember(deps, { caller, workspaceId: ids["workspaceId"] ?? "", userId: uuidOf("usr", params.userId), role: body.role }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/workspaces/:workspaceId/members/:userId", who: "admin", of: { workspaceId: "workspace" },
    params: memberParams, status: 204, problems: ["last_owner"],
    handle: ({ deps, caller, ids, params }) =>
      removeMember(deps, { caller, workspaceId: ids["workspaceId"] ?? "", userId: uuidOf("usr", params.userId) }),
  }),
]; // prettier-ignore

/** Of a route with `who: "user"`: the platform let nobody else in. */
function userIdOf(caller: Caller): string {
  if (caller.kind !== "user") throw new TypeError(`A ${caller.kind} came through a person's route.`);
  return caller.userId;
}
