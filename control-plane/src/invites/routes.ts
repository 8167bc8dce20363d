import { uuidOf } from "@feedback-chat/protocol/ids";
import {
  acceptInviteRequest,
  createInviteAnswer,
  createInviteRequest,
  invitePage,
  workspace,
} from "@feedback-chat/protocol/workspace";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { acceptInvite } from "./accept-invite.ts";
import { createInvite } from "./create-invite.ts";
import { deleteInvite } from "./delete-invite.ts";
import { listInvites } from "./list-invites.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/workspaces/:workspaceId/invites", who: "admin", of: { workspaceId: "workspace" },
    query: pageQuery, answer: invitePage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) => listInvites(deps, ids["workspaceId"] ?? "", query),
  }),
  route<Deps>()({
    method: "post", path: "/v1/workspaces/:workspaceId/invites", who: "admin", of: { workspaceId: "workspace" },
    body: createInviteRequest, answer: createInviteAnswer, status: 201, isCreating: true, problems: ["name_taken"],
    handle: ({ deps, caller, ids, body }) =>
      createInvite(deps, { caller, workspaceId: ids["workspaceId"] ?? "", wanted: body }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/workspaces/:workspaceId/invites/:inviteId", who: "admin", of: { workspaceId: "workspace" },
    params: z.object({ workspaceId: z.string(), inviteId: z.string() }), status: 204,
    handle: ({ deps, caller, ids, params }) =>
      deleteInvite(deps, { caller, workspaceId: ids["workspaceId"] ?? "", inviteId: uuidOf("inv", params.inviteId) }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/invites/accept", who: "user", body: acceptInviteRequest, answer: workspace,
    handle: ({ deps, caller, body }) => acceptInvite(deps, caller, body.token),
  }),
]; // prettier-ignore
