import { fullNameOf } from "../find.ts";
import type { Hub, Repository } from "../hub.ts";
import { renderUser } from "../render-user.ts";
import { nodeId, timestamp } from "../wire-values.ts";
import type { GithubApp, Installation } from "./app-state.ts";

export function renderApp(hub: Hub, app: GithubApp) {
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId("A", app.id),
    client_id: app.clientId,
    owner: renderUser(hub, app.owner),
    name: app.name,
    description: app.description,
    external_url: app.homepage,
    html_url: `${hub.origin}/apps/${app.slug}`,
    created_at: timestamp(app.createdAt),
    updated_at: timestamp(app.createdAt),
    permissions: app.permissions,
    events: app.events,
    installations_count: app.installations.size,
  };
}

export function renderInstallation(hub: Hub, app: GithubApp, installation: Installation) {
  const { id, account, selection, permissions, suspendedAt, createdAt, updatedAt } = installation;
  return {
    id,
    account: renderUser(hub, account),
    repository_selection: selection,
    access_tokens_url: `${hub.origin}/app/installations/${id}/access_tokens`,
    repositories_url: `${hub.origin}/installation/repositories`,
    html_url: `${hub.origin}/settings/installations/${id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account.id,
    target_type: account.type,
    permissions: { metadata: "read", ...permissions },
    events: app.events,
    created_at: timestamp(createdAt),
    updated_at: timestamp(updatedAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: suspendedAt ? renderUser(hub, account) : null,
    suspended_at: suspendedAt ? timestamp(suspendedAt) : null,
  };
}

/** The short form that installation events carry. */
export function renderShort(repository: Repository) {
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: fullNameOf(repository),
    private: repository.isPrivate,
  };
}
