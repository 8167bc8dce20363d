import { fullNameOf } from "./find.ts";
import { type Hub, type Repository, roles, type Token } from "./hub.ts";
import { nodeId, timestamp } from "./wire-values.ts";
import { roleOf } from "./authorize.ts";
import { renderUser } from "./render-user.ts";

const templates = {
  forks_url: "/forks",
  keys_url: "/keys{/key_id}",
  collaborators_url: "/collaborators{/collaborator}",
  teams_url: "/teams",
  hooks_url: "/hooks",
  issue_events_url: "/issues/events{/number}",
  events_url: "/events",
  assignees_url: "/assignees{/user}",
  branches_url: "/branches{/branch}",
  tags_url: "/tags",
  blobs_url: "/git/blobs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  git_refs_url: "/git/refs{/sha}",
  trees_url: "/git/trees{/sha}",
  statuses_url: "/statuses/{sha}",
  languages_url: "/languages",
  stargazers_url: "/stargazers",
  contributors_url: "/contributors",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  commits_url: "/commits{/sha}",
  git_commits_url: "/git/commits{/sha}",
  comments_url: "/comments{/number}",
  issue_comment_url: "/issues/comments{/number}",
  contents_url: "/contents/{+path}",
  compare_url: "/compare/{base}...{head}",
  merges_url: "/merges",
  archive_url: "/{archive_format}{/ref}",
  downloads_url: "/downloads",
  issues_url: "/issues{/number}",
  pulls_url: "/pulls{/number}",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  labels_url: "/labels{/name}",
  releases_url: "/releases{/id}",
  deployments_url: "/deployments",
};

export function repositoryUrl(hub: Hub, repository: Repository): string {
  return `${hub.origin}/repos/${fullNameOf(repository)}`;
}
export function htmlUrl(hub: Hub, repository: Repository): string {
  return `${hub.origin}/${fullNameOf(repository)}`;
}

/** A repository as webhooks and lists carry it. */
export function renderRepository(hub: Hub, repository: Repository) {
  const url = repositoryUrl(hub, repository);
  const html = htmlUrl(hub, repository);
  const openIssues = [...repository.issues.values()].filter(({ state }) => state === "open").length;
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: fullNameOf(repository),
    private: repository.isPrivate,
    owner: renderUser(hub, repository.owner),
    html_url: html,
    description: null,
    fork: false,
    url,
    ...(Object.fromEntries(Object.entries(templates).map(([key, rest]) => [key, url + rest])) as typeof templates),
    created_at: timestamp(repository.createdAt),
    updated_at: timestamp(repository.pushedAt),
    pushed_at: timestamp(repository.pushedAt),
    git_url: `git://${new URL(hub.origin).host}/${fullNameOf(repository)}.git`,
    ssh_url: `git@${new URL(hub.origin).hostname}:${fullNameOf(repository)}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 1,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: repository.hasIssues,
    has_projects: false,
    has_downloads: false,
    has_wiki: false,
    has_pages: false,
    forks_count: 0,
    mirror_url: null,
    archived: repository.isArchived,
    disabled: false,
    open_issues_count: openIssues,
    license: null,
    forks: 0,
    open_issues: openIssues,
    watchers: 0,
    default_branch: repository.defaultBranch,
  };
}

/** `GET /repos/{owner}/{repo}`: the same and what only this answer has. */
export function renderFullRepository(hub: Hub, repository: Repository, token: Token | null) {
  return {
    ...renderRepository(hub, repository),
    has_discussions: false,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: false,
    delete_branch_on_merge: false,
    visibility: repository.isPrivate ? "private" : "public",
    ...(token ? { permissions: permissionsOf(repository, token) } : {}),
    network_count: 0,
    subscribers_count: 0,
  };
}

export function permissionsOf(repository: Repository, token: Token) {
  const rank = token.kind === "installation" ? -1 : roles.indexOf(roleOf(repository, token.user.login));
  const atLeast = (role: (typeof roles)[number]) => rank >= roles.indexOf(role);
  return {
    admin: atLeast("admin"),
    maintain: atLeast("maintain"),
    push: atLeast("write"),
    triage: atLeast("triage"),
    pull: token.kind === "installation" || atLeast("read"),
  };
}
