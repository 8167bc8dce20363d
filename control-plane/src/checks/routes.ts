import { projectCheck } from "@feedback-chat/protocol/check";
import type { AppDeps } from "../app-deps.ts";
import { projectOf } from "../platform/caller.ts";
import { route } from "../platform/route.ts";
import { checkProject } from "./check-project.ts";

export const routes = [
  route<Pick<AppDeps, "db" | "sealing" | "config" | "now">>()({
    method: "get", path: "/v1/projects/:projectId/check",
    who: ["viewer", "key:status:read", "key:runs:read", "key:feedback:write", "key:runs:act"], of: { projectId: "project" }, answer: projectCheck,
    handle: ({ deps, tenant }) => checkProject(deps, projectOf(tenant)),
  }),
]; // prettier-ignore
