import { actionAnswer, actionRequest, logPage, runDetail, runPage } from "@feedback-chat/protocol/run";
import { agentHealth } from "@feedback-chat/protocol/widget";
import type { AppDeps } from "../app-deps.ts";
import { actorOf } from "../platform/caller.ts";
import { route } from "../platform/route.ts";
import { cutOf } from "../platform/serve-sse.ts";
import { applyAction } from "./apply-action.ts";
import { followProject } from "./follow-project.ts";
import { runFilters } from "./filter-runs.ts";
import { followRun } from "./follow-run.ts";
import { followWorkspace } from "./follow-workspace.ts";
import { listRuns, runListQuery } from "./list-runs.ts";
import { readAgentHealth } from "./read-agent-health.ts";
import { readArtifact } from "./read-artifact.ts";
import { releaseQuestion } from "./release-question.ts";
import { logQuery, logsAsText, readLogs } from "./read-logs.ts";
import { readRunDetail } from "./read-run-detail.ts";

const readers = ["viewer", "key:runs:read"] as const;
/** Uuids that `of` has resolved; the run's project comes from the row that was found, not from the path. */
type Found = { ids: Record<string, string>; tenant: { projectId: string | null } | null };
const ofRun = ({ ids, tenant }: Found) => ({
  runId: ids["runId"] ?? "",
  projectId: tenant?.projectId ?? "",
});

export const routes = [
  route<AppDeps>()({
    method: "get",
    path: "/api/agent/:projectId/health",
    who: "key:status:read",
    of: { projectId: "project" },
    answer: agentHealth,
    handle: async ({ deps, ids }) => readAgentHealth(deps, ids["projectId"] ?? ""),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/api/runs/:projectId",
    who: readers,
    of: { projectId: "project" },
    query: runListQuery,
    answer: runPage,
    problems: ["invalid_cursor"],
    handle: async ({ deps, ids, query }) => listRuns(deps, { projectId: ids["projectId"] ?? "" }, query),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/workspaces/:workspaceId/runs",
    who: "viewer",
    of: { workspaceId: "workspace" },
    query: runListQuery,
    answer: runPage,
    problems: ["invalid_cursor"],
    handle: async ({ deps, ids, query }) => listRuns(deps, { workspaceId: ids["workspaceId"] ?? "" }, query),
  }),
  route<AppDeps>()({
    method: "post",
    path: "/api/runs/:projectId/:runId/action",
    who: ["member", "key:runs:act"],
    of: { projectId: "project", runId: "run" },
    body: actionRequest,
    answer: actionAnswer,
    status: 202,
    problems: ["invalid_transition", "stage_changed", "conflict", "validation_failed"],
    isCreating: true,
    handle: async ({ deps, ids, tenant, caller, body }) =>
      applyAction(deps, {
        ...ofRun({ ids, tenant }),
        workspaceId: tenant?.workspaceId ?? "",
        actor: actorOf(caller),
        request: body,
      }),
  }),
  route<AppDeps>()({
    method: "post",
    path: "/v1/runs/:runId/question/release",
    who: "member",
    of: { runId: "run" },
    answer: actionAnswer,
    problems: ["invalid_transition"],
    handle: async ({ deps, caller, ids, tenant }) =>
      releaseQuestion(deps, { caller, ...ofRun({ ids, tenant }), workspaceId: tenant?.workspaceId ?? "" }),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/runs/:runId",
    who: readers,
    of: { runId: "run" },
    answer: runDetail,
    handle: async ({ deps, ...found }) => readRunDetail(deps, ofRun(found)),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/runs/:runId/events",
    who: readers,
    of: { runId: "run" },
    // Without the rest of what a route is given: a reader keeps what it asks for as long as it reads.
    handle: async ({ deps, c, recheckTogether: recheck, ids, tenant }) =>
      followRun(deps, ofRun({ ids, tenant }), {
        lastEventId: c.req.header("last-event-id"),
        recheck,
        cut: cutOf(c),
      }),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/projects/:projectId/events",
    who: readers,
    of: { projectId: "project" },
    handle: async ({ deps, ids, c, recheckTogether: recheck }) =>
      followProject(deps, ids["projectId"] ?? "", {
        lastEventId: c.req.header("last-event-id"),
        recheck,
        cut: cutOf(c),
      }),
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/workspaces/:workspaceId/events",
    who: "viewer",
    of: { workspaceId: "workspace" },
    query: runFilters,
    handle: async ({ deps, ids, query: filters, c, recheckTogether: recheck }) => {
      const of = { workspaceId: ids["workspaceId"] ?? "", filters };
      return followWorkspace(deps, of, { lastEventId: c.req.header("last-event-id"), recheck, cut: cutOf(c) });
    },
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/runs/:runId/logs",
    who: readers,
    of: { runId: "run" },
    query: logQuery,
    answer: logPage,
    async handle({ deps, query, c, ...found }) {
      const page = await readLogs(deps, ofRun(found), query);
      const wantsText = (c.req.header("accept") ?? "").includes("text/plain");
      return wantsText ? logsAsText(page) : page;
    },
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/runs/:runId/artifacts/:name",
    who: readers,
    of: { runId: "run" },
    handle: async ({ deps, c, ...found }) => readArtifact(deps, { ...ofRun(found), name: c.req.param("name") ?? "" }),
  }),
];
