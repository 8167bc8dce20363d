import {
  createEndpointAnswer,
  createEndpointRequest,
  endpoint,
  endpointDeliveryPage,
  endpointPage,
  patchEndpointRequest,
  redeliverAnswer,
  redeliverRequest,
  rotateEndpointRequest,
} from "@feedback-chat/protocol/endpoint";
import { uuidOf } from "@feedback-chat/protocol/ids";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { type Caller, projectOf, type Tenant } from "../platform/caller.ts";
import { pageQuery } from "../platform/page.ts";
import { route } from "../platform/route.ts";
import { changeEndpoint } from "./change-endpoint.ts";
import { createEndpoint } from "./create-endpoint.ts";
import { deleteEndpoint } from "./delete-endpoint.ts";
import { deliveryListQuery, listDeliveries } from "./list-deliveries.ts";
import { listEndpoints } from "./list-endpoints.ts";
import { readEndpoint } from "./read-endpoint.ts";
import { redeliver } from "./redeliver.ts";
import { rotateEndpointSecret } from "./rotate-endpoint-secret.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
const params = z.object({ projectId: z.string(), endpointId: z.string() });
const all = "/v1/projects/:projectId/endpoints";
const one = `${all}/:endpointId`;
const of = { projectId: "project" } as const;

const asked = (caller: Caller, tenant: Tenant | null) => ({
  caller,
  projectId: projectOf(tenant),
  workspaceId: tenant?.workspaceId ?? "",
});

export const routes = [
  route<Deps>()({
    method: "get", path: all, who: "admin", of, query: pageQuery, answer: endpointPage, problems: ["invalid_cursor"],
    handle: ({ deps, tenant, query }) => listEndpoints(deps, projectOf(tenant), query),
  }),
  route<Deps>()({
    method: "get", path: one, who: "admin", of, params, answer: endpoint,
    handle: ({ deps, tenant, params: { endpointId } }) =>
      readEndpoint(deps, { projectId: projectOf(tenant), endpointId: uuidOf("ep", endpointId) }),
  }),
  route<Deps>()({
    method: "post", path: all, who: "admin", of, body: createEndpointRequest, answer: createEndpointAnswer, status: 201,
    problems: ["endpoint_not_allowed", "conflict"], isCreating: true, hasSecrets: true,
    handle: ({ deps, caller, tenant, body }) => createEndpoint(deps, { ...asked(caller, tenant), wanted: body }),
  }),
  route<Deps>()({
    method: "patch", path: one, who: "admin", of, params, body: patchEndpointRequest, answer: endpoint,
    problems: ["endpoint_not_allowed"],
    handle: ({ deps, caller, tenant, params: { endpointId }, body }) =>
      changeEndpoint(deps, { ...asked(caller, tenant), endpointId: uuidOf("ep", endpointId), change: body }),
  }),
  route<Deps>()({
    method: "delete", path: one, who: "admin", of, params, status: 204,
    handle: ({ deps, caller, tenant, params: { endpointId } }) =>
      deleteEndpoint(deps, { ...asked(caller, tenant), endpointId: uuidOf("ep", endpointId) }),
  }),
  route<Deps>()({
    method: "post", path: `${one}/rotate`, who: "admin", of, params, body: rotateEndpointRequest, answer: createEndpointAnswer,
    isCreating: true, hasSecrets: true,
    handle: ({ deps, caller, tenant, params: { endpointId }, body }) =>
      rotateEndpointSecret(deps, { ...asked(caller, tenant), endpointId: uuidOf("ep", endpointId), ...body }),
  }),
  route<Deps>()({
    method: "get", path: `${one}/deliveries`, who: "admin", of, params, query: deliveryListQuery,
    answer: endpointDeliveryPage, problems: ["invalid_cursor"],
    handle: ({ deps, tenant, params: { endpointId }, query }) =>
      listDeliveries(deps, { projectId: projectOf(tenant), endpointId: uuidOf("ep", endpointId) }, query),
  }),
  route<Deps>()({
    method: "post", path: `${one}/redeliver`, who: "admin", of, params, body: redeliverRequest, answer: redeliverAnswer,
    status: 202,
    handle: ({ deps, caller, tenant, params: { endpointId }, body: { deliveryId } }) =>
      redeliver(deps, {
        ...asked(caller, tenant), endpointId: uuidOf("ep", endpointId), deliveryId: deliveryId ? uuidOf("epd", deliveryId) : null,
      }),
  }),
]; // prettier-ignore
