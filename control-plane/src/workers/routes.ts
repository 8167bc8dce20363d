import { workerPage } from "@feedback-chat/protocol/operating";
import { registerAnswer, registerRequest } from "@feedback-chat/protocol/worker";
import type { AppDeps } from "../app-deps.ts";
import { workerOf } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { drainWorker } from "./drain-worker.ts";
import { listWorkers } from "./list-workers.ts";
import { registerWorker } from "./register-worker.ts";
import { removeWorker } from "./remove-worker.ts";

export const routes = [
  route<AppDeps>()({
    method: "post", path: "/v1/workers", who: "worker", body: registerRequest, answer: registerAnswer, status: 201,
    problems: ["upgrade_required"],
    handle: ({ deps, caller, body }) => registerWorker(deps, { ...body, ...workerOf(caller) }),
  }),
  route<AppDeps>()({
    method: "get", path: "/v1/workspaces/:workspaceId/workers", who: "viewer", of: { workspaceId: "workspace" },
    query: pageQuery, answer: workerPage, problems: ["invalid_cursor"],
    handle: ({ deps, ids, query }) => listWorkers(deps, ids["workspaceId"] ?? "", query),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/workers/:workerId/drain", who: "admin", of: { workerId: "worker" }, status: 204,
    handle: ({ deps, ids, tenant }) => drainWorker(deps, { workspaceId: tenant?.workspaceId ?? "", workerId: ids["workerId"] ?? "" }),
  }),
  route<AppDeps>()({
    method: "delete", path: "/v1/workers/:workerId", who: "admin", of: { workerId: "worker" }, status: 204, problems: ["conflict"],
    handle: ({ deps, caller, ids, tenant }) =>
      removeWorker(deps, { caller, workspaceId: tenant?.workspaceId ?? "", workerId: ids["workerId"] ?? "" }),
  }),
]; // prettier-ignore
