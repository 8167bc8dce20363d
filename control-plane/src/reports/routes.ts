import { uuidOf } from "@feedback-chat/protocol/ids";
import {
  feedbackAnswer,
  feedbackPage,
  feedbackRequest,
  joinRequest,
  report,
  reporterData,
  reportWordsRequest,
  splitRequest,
} from "@feedback-chat/protocol/report";
import type { AppDeps } from "../app-deps.ts";
import { type Caller, projectOf, type Tenant } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { blockReporter, unblockReporter } from "./block-reporter.ts";
import { answerReport, confirmReport, reopenReport } from "./decide-report.ts";
import { joinFeedback } from "./join-feedback.ts";
import { eraseReporter } from "./erase-reporter.ts";
import { exportReporter } from "./export-reporter.ts";
import { listFeedback } from "./list-feedback.ts";
import { readReport } from "./read-report.ts";
import { receiveFeedback } from "./receive-feedback.ts";
import { reportCss, reportHtml, reportScript } from "./report-page.ts";
import { splitFeedback } from "./split-feedback.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "now" | "config">;
const all = "/v1/projects/:projectId/feedback";
const one = `${all}/:feedbackId`;
const mine = "/v1/reports/:feedbackId";
const ofOne = { projectId: "project", feedbackId: "feedback" } as const;
const ofMine = { feedbackId: "feedback" } as const;

const named = (caller: Caller, tenant: Tenant | null, ids: Record<string, string>) => ({
  caller,
  projectId: projectOf(tenant),
  workspaceId: tenant?.workspaceId ?? "",
  feedbackId: ids["feedbackId"] ?? "",
});
const file = (text: string, type: string) => async () =>
  new Response(text, { headers: { "content-type": `${type}; charset=utf-8` } });

export const routes = [
  route<Deps>()({
    method: "post", path: all, who: "key:feedback:write", of: { projectId: "project" }, body: feedbackRequest,
    answer: feedbackAnswer, status: 201, isCreating: true, hasSecrets: true,
    handle: ({ deps, tenant, body }) => receiveFeedback(deps, { projectId: projectOf(tenant), said: body }),
  }),
  route<Deps>()({
    method: "get", path: all, who: "viewer", of: { projectId: "project" }, query: pageQuery, answer: feedbackPage,
    problems: ["invalid_cursor"],
    handle: ({ deps, tenant, query }) => listFeedback(deps, projectOf(tenant), query),
  }),
  route<Deps>()({
    method: "post", path: `${one}/join`, who: "member", of: ofOne, body: joinRequest, status: 204, problems: ["conflict"],
    handle: ({ deps, caller, tenant, ids, body }) =>
      joinFeedback(deps, { ...named(caller, tenant, ids), to: uuidOf("fb", body.to) }),
  }),
  route<Deps>()({
    method: "post", path: `${one}/split`, who: "member", of: ofOne, body: splitRequest, status: 204, problems: ["conflict"],
    handle: ({ deps, caller, tenant, ids, body }) =>
      splitFeedback(deps, { ...named(caller, tenant, ids), issueNumber: body.issueNumber ?? null }),
  }),
  route<Deps>()({
    method: "post", path: `${one}/block`, who: "admin", of: ofOne, status: 204, problems: ["conflict"],
    handle: ({ deps, caller, tenant, ids }) => blockReporter(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "delete", path: `${one}/block`, who: "admin", of: ofOne, status: 204,
    handle: ({ deps, caller, tenant, ids }) => unblockReporter(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "get", path: `${one}/reporter`, who: "admin", of: ofOne, answer: reporterData,
    handle: ({ deps, caller, tenant, ids }) => exportReporter(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "delete", path: `${one}/reporter`, who: "admin", of: ofOne, status: 204,
    handle: ({ deps, caller, tenant, ids }) => eraseReporter(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "get", path: mine, who: "reporter", of: ofMine, answer: report,
    handle: ({ deps, caller, tenant, ids }) => readReport(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "post", path: `${mine}/answer`, who: "reporter", of: ofMine, body: reportWordsRequest, answer: report,
    problems: ["invalid_transition"],
    handle: ({ deps, caller, tenant, ids, body }) => answerReport(deps, { ...named(caller, tenant, ids), ...body }),
  }),
  route<Deps>()({
    method: "post", path: `${mine}/confirm`, who: "reporter", of: ofMine, answer: report, problems: ["invalid_transition"],
    handle: ({ deps, caller, tenant, ids }) => confirmReport(deps, named(caller, tenant, ids)),
  }),
  route<Deps>()({
    method: "post", path: `${mine}/reopen`, who: "reporter", of: ofMine, body: reportWordsRequest, answer: report,
    problems: ["invalid_transition", "conflict"],
    handle: ({ deps, caller, tenant, ids, body }) => reopenReport(deps, { ...named(caller, tenant, ids), ...body }),
  }),
  route<Deps>()({ method: "get", path: "/r/page.js", who: "anyone", handle: file(reportScript, "text/javascript") }),
  route<Deps>()({ method: "get", path: "/r/page.css", who: "anyone", handle: file(reportCss, "text/css") }),
  route<Deps>()({ method: "get", path: "/r/:feedbackId", who: "anyone", handle: file(reportHtml, "text/html") }),
]; // prettier-ignore
