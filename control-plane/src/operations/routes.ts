import { instanceState, operations, usage } from "@feedback-chat/protocol/operating";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import { pauseInstance } from "./pause-instance.ts";
import { readOperations } from "./read-operations.ts";
import { readUsage } from "./read-usage.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
const span = z.object({ from: z.iso.date().optional(), to: z.iso.date().optional() });

export const routes = [
  route<Deps>()({
    method: "get", path: "/v1/workspaces/:workspaceId/operations", who: "admin", of: { workspaceId: "workspace" }, answer: operations,
    handle: ({ deps, ids }) => readOperations(deps, ids["workspaceId"] ?? ""),
  }),
  route<Deps>()({
    method: "get", path: "/v1/projects/:projectId/usage", who: "viewer", of: { projectId: "project" }, query: span, answer: usage,
    handle: ({ deps, ids, query }) =>
      readUsage(deps, { projectId: ids["projectId"] ?? "", from: query.from ?? null, to: query.to ?? null }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/instance/pause", who: "operator", answer: instanceState,
    handle: ({ deps, caller }) => pauseInstance(deps, { caller, isPaused: true }),
  }),
  route<Deps>()({
    method: "post", path: "/v1/instance/resume", who: "operator", answer: instanceState,
    handle: ({ deps, caller }) => pauseInstance(deps, { caller, isPaused: false }),
  }),
]; // prettier-ignore
