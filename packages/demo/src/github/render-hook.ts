import type { GithubApp } from "./apps/app-state.ts";
import type { Delivery, Hook, Hub, Repository } from "./hub.ts";
import { timestamp } from "./wire-values.ts";
import { repositoryUrl } from "./render-repository.ts";

export function renderHook(hub: Hub, repository: Repository, hook: Hook) {
  const url = `${repositoryUrl(hub, repository)}/hooks/${hook.id}`;
  const last = hook.deliveries[0];
  return {
    type: "Repository",
    id: hook.id,
    name: "web",
    active: hook.isActive,
    events: hook.events,
    config: {
      content_type: hook.contentType,
      insecure_ssl: "0",
      url: hook.url,
      // GitHub shows that there is a secret, never which one.
      ...(hook.secret === null ? {} : { secret: "********" }),
    },
    updated_at: timestamp(hook.updatedAt),
    created_at: timestamp(hook.createdAt),
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: last
      ? { code: last.statusCode || null, status: statusText(last), message: statusText(last) }
      : { code: null, status: "unused", message: null },
  };
}

/** The ping's copy of the hook: without what only the REST answer has. */
export function renderPingHook(hub: Hub, repository: Repository, hook: Hook) {
  const { deliveries_url: _, ...rest } = renderHook(hub, repository, hook);
  return rest;
}

/** What an app's hook says of itself when it is made. */
export function renderAppPingHook(hub: Hub, app: GithubApp) {
  const { hook } = app;
  return {
    type: "App", id: hook.id, name: "web", active: hook.isActive, events: hook.events,
    config: { content_type: "json", insecure_ssl: "0", secret: "********", url: hook.url },
    updated_at: timestamp(hook.updatedAt), created_at: timestamp(hook.createdAt), app_id: app.id,
    deliveries_url: `${hub.origin}/app/hook/deliveries`,
  }; // prettier-ignore
}

export function renderDeliveryItem(delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt.toISOString(),
    redelivery: delivery.isRedelivery,
    duration: delivery.durationSeconds,
    status: statusText(delivery),
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
  };
}

export function renderDelivery(hook: Hook, delivery: Delivery) {
  return {
    ...renderDeliveryItem(delivery),
    url: hook.url,
    request: { headers: delivery.request.headers, payload: delivery.request.payload },
    response: delivery.response,
  };
}

function statusText({ statusCode }: Delivery): string {
  if (statusCode === 0) return "failed to connect to host";
  return statusCode < 400 ? "OK" : `Invalid HTTP Response: ${statusCode}`;
}
