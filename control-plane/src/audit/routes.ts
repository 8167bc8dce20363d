import { auditPage } from "@feedback-chat/protocol/operating";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { route } from "../platform/route.ts";
import { listAudit } from "./list-audit.ts";

const page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(50), cursor: z.string().optional() });

export const routes = [
  route<Pick<AppDeps, "db">>()({
    method: "get", path: "/v1/workspaces/:workspaceId/audit", who: "admin", of: { workspaceId: "workspace" },
    query: page, answer: auditPage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) => listAudit(deps, { workspaceId: ids["workspaceId"] ?? "", limit: query.limit, cursor: query.cursor }),
  }),
]; // prettier-ignore
