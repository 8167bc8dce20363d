import { idSchema } from "@feedback-chat/protocol/ids";
import {
  createProjectAnswer,
  createProjectRequest,
  patchProjectRequest,
  project,
  projectPage,
  projectWebhook,
  rotateKeyRequest,
  setPlanRequest,
} from "@feedback-chat/protocol/project";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { changeProject } from "./change-project.ts";
import { createProject } from "./create-project.ts";
import { deleteProject } from "./delete-project.ts";
import { listProjects } from "./list-projects.ts";
import { readProject } from "./read-project.ts";
import { rotateWebhookSecret } from "./rotate-webhook-secret.ts";
import { setPlan } from "./set-plan.ts";
import { workspaceFor } from "./workspace-for.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;

const listQuery = pageQuery.extend({ workspaceId: idSchema("ws").optional() });
const deleteQuery = z.object({ purge: z.literal("now").optional() });

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/projects", who: "user", query: listQuery, answer: projectPage, problems: ["invalid_cursor"],
    handle: ({ deps, caller, query }) =>
      listProjects(deps, { ...query, workspaceId: workspaceFor(caller, query.workspaceId, "viewer"), cursor: query.cursor }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/projects", who: "user", body: createProjectRequest, answer: createProjectAnswer,
    status: 201, problems: ["name_taken"], isCreating: true, hasSecrets: true,
    handle: ({ deps, caller, body }) => createProject(deps, { caller, wanted: body }),
  }),
  route<Deps>()({
    method: "get", path: "/v1/projects/:projectId", who: "viewer", of: { projectId: "project" }, answer: project,
    handle: ({ deps, ids }) => readProject(deps, ids["projectId"] ?? ""),
  }),
  route<Deps>()({
    method: "patch", path: "/v1/projects/:projectId", who: "admin", of: { projectId: "project" },
    body: patchProjectRequest, answer: project, problems: ["name_taken"],
    handle: ({ deps, caller, ids, body }) => changeProject(deps, { caller, projectId: ids["projectId"] ?? "", change: body }),
  }),
  route<Deps>()({
    method: "delete", path: "/v1/projects/:projectId", who: "admin", of: { projectId: "project" }, query: deleteQuery, status: 204,
    handle: ({ deps, caller, ids, tenant, query }) =>
      deleteProject(deps, {
        caller, projectId: ids["projectId"] ?? "", workspaceId: tenant?.workspaceId ?? "", isPurgedNow: query.purge === "now",
      }),
  }),
  route<Deps>()({
    method: "put", path: "/v1/projects/:projectId/plan", who: "operator", of: { projectId: "project" },
    body: setPlanRequest, answer: project,
    handle: ({ deps, caller, ids, body }) => setPlan(deps, { caller, projectId: ids["projectId"] ?? "", plan: body.plan }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/projects/:projectId/webhook-secret/rotate", who: "admin", of: { projectId: "project" },
    body: rotateKeyRequest, answer: projectWebhook, isCreating: true, hasSecrets: true, problems: ["conflict"],
    handle: ({ deps, caller, ids, tenant, body }) =>
      rotateWebhookSecret(deps, { caller, projectId: ids["projectId"] ?? "", workspaceId: tenant?.workspaceId ?? "", ...body }),
  }),
]; // prettier-ignore
