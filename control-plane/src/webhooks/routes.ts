import { idSchema, uuidOf } from "@feedback-chat/protocol/ids";
import { reconcileAnswer, webhookAnswer, webhookEventPage } from "@feedback-chat/protocol/webhook";
import type { AppDeps } from "../app-deps.ts";
import { reconcileNow } from "../github/reconcile-now.ts";
import { projectOf } from "../platform/caller.ts";
import { readBytes } from "../platform/mount-routes.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { senderAddress } from "../platform/sender-address.ts";
import { listEvents } from "./list-events.ts";
import { receiveDelivery } from "./receive-delivery.ts";
import { replayDelivery } from "./replay-delivery.ts";

const maxDeliveryBytes = 3 * 1024 * 1024;

export const routes = [
  // Without `of`: an unknown project gets the answer of a wrong signature, not the 404 of an unknown id.
  route<AppDeps>()({
    method: "post",
    path: "/api/webhook/:projectId",
    who: "github",
    problems: ["bad_signature", "bad_payload", "payload_too_large", "rate_limited", "unavailable"],
    async handle({ deps, c }) {
      const id = c.req.param("projectId") ?? "";
      const projectId = idSchema("prj").safeParse(id).success ? uuidOf("prj", id) : null;
      const header = (name: string) => c.req.header(name);
      const bytes = await readBytes(c, maxDeliveryBytes);
      const answer = await receiveDelivery(deps, { projectId, address: senderAddress(c), bytes, header });
      return c.json(answer, answer.status === "queued" ? 202 : 200);
    },
  }),
  route<AppDeps>()({
    method: "get",
    path: "/v1/projects/:projectId/webhook-events",
    who: "viewer",
    of: { projectId: "project" },
    query: pageQuery,
    answer: webhookEventPage,
    problems: ["invalid_cursor"],
    handle: ({ deps, tenant, query }) => listEvents(deps, projectOf(tenant), query),
  }),
  route<AppDeps>()({
    method: "post",
    path: "/v1/webhook-events/:eventId/replay",
    who: "member",
    of: { eventId: "webhook_event" },
    answer: webhookAnswer,
    status: 202,
    isCreating: true,
    problems: ["conflict"],
    handle: ({ deps, caller, tenant, ids }) =>
      replayDelivery(deps, {
        caller, workspaceId: tenant?.workspaceId ?? "", projectId: projectOf(tenant), eventId: ids["eventId"] ?? "",
      }), // prettier-ignore
  }),
  route<AppDeps>()({
    method: "post",
    path: "/v1/projects/:projectId/reconcile",
    who: "member",
    of: { projectId: "project" },
    answer: reconcileAnswer,
    status: 202,
    problems: ["rate_limited"],
    handle: ({ deps, tenant }) => reconcileNow(deps, projectOf(tenant)),
  }),
];
