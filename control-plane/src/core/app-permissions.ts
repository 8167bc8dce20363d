/** Rights of a GitHub App, named as GitHub names them. */
type Permissions = Partial<Record<"contents" | "issues" | "pull_requests" | "deployments", "read" | "write">>;

/**
 * The least rights of each step that asks GitHub. Never `workflows`: what could change how a repository's own CI runs
 * is refused by GitHub too.
 */
export const permissionsFor = {
  /** A worker fetches the base commit. */
  clone: { contents: "read" },
  /** A worker pushes its branch and opens the pull request. */
  publish: { contents: "write", pull_requests: "write", issues: "write" },
  /** Gate, poll and follow look at issues, pull requests and deployments. */
  read: { contents: "read", issues: "read", pull_requests: "read", deployments: "read" },
  /** The outbox sets labels, comments, closes. */
  tell: { issues: "write", pull_requests: "write" },
  /** The outbox removes a branch of ours, or merges. */
  change: { contents: "write", issues: "write", pull_requests: "write" },
} as const satisfies Record<string, Permissions>;
export type GitHubStep = keyof typeof permissionsFor;

/** What the App has to be given so that every step gets its part. */
export function permissionsOfApp(): Permissions {
  const all: Permissions = {};
  for (const asked of Object.values(permissionsFor) as Permissions[])
    for (const [name, level] of Object.entries(asked) as [keyof Permissions, "read" | "write"][])
      if (all[name] !== "write") all[name] = level;
  return all;
}

/** What it hears of. Of its installations every App is told unasked. */
export const eventsOfApp = ["issues", "pull_request", "deployment_status", "repository"];
