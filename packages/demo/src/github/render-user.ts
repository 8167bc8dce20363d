import type { Hub, Repository, User } from "./hub.ts";
import { nodeId, timestamp } from "./wire-values.ts";
import { hasRole } from "./authorize.ts";

export function renderUser(hub: Hub, user: User) {
  const url = `${hub.origin}/users/${user.login}`;
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId("U", user.id),
    avatar_url: `${hub.origin}/avatars/u/${user.id}`,
    gravatar_id: "",
    url,
    html_url: `${hub.origin}/${user.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: user.type,
    site_admin: false,
  };
}

/** `GET /user`: what GitHub tells somebody about themselves. */
export function renderPublicUser(hub: Hub, user: User) {
  return {
    ...renderUser(hub, user),
    name: user.login,
    company: null,
    blog: "",
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: timestamp(new Date(0)),
    updated_at: timestamp(new Date(0)),
  };
}

export function authorAssociation(repository: Repository, user: User): string {
  if (user.id === repository.owner.id) return "OWNER";
  if (!hasRole(repository, user.login, "triage")) return "NONE";
  return repository.owner.type === "Organization" ? "MEMBER" : "COLLABORATOR";
}
