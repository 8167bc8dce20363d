import { auditPage } from "@feedback-chat/protocol/operating";
import type { AppDeps } from "../app-deps.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { listAudit } from "./list-audit.ts";

export const routes = [
  route<Pick<AppDeps, "db">>()({
    method: "get", path: "/v1/workspaces/:workspaceId/audit", who: "admin", of: { workspaceId: "workspace" },
    query: pageQuery, answer: auditPage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) => listAudit(deps, { workspaceId: ids["workspaceId"] ?? "", limit: query.limit, cursor: query.cursor }),
  }),
]; // prettier-ignore
