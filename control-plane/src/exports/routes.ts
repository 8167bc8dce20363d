import type { AppDeps } from "../app-deps.ts";
import { projectOf } from "../platform/caller.ts";
import { route } from "../platform/route.ts";
import { exportProject } from "./export-project.ts";

export const routes = [
  route<Pick<AppDeps, "db" | "newId" | "now">>()({
    method: "get", path: "/v1/projects/:projectId/export", who: "admin", of: { projectId: "project" },
    handle: async ({ deps, caller, tenant, recheck }) =>
      new Response(await exportProject(deps, { caller, projectId: projectOf(tenant), workspaceId: tenant?.workspaceId ?? "", recheck }), {
        headers: { "content-type": "application/x-ndjson", "content-disposition": 'attachment; filename="project.ndjson"' },
      }),
  }),
]; // prettier-ignore
