/** Where GitHub is: its pages and git, and its REST API. */
export type GitHubAddresses = { githubUrl: string; githubApiUrl: string };

/**
 * Completes what is set: a GitHub Enterprise Server answers its API at `/api/v3`, a tenant of ghe.com at `api.` before
 * its name. Without either it is github.com.
 */
export function githubAddresses(set: {
  githubUrl: string | undefined;
  githubApiUrl: string | undefined;
}): GitHubAddresses {
  const githubUrl = set.githubUrl?.replace(/\/+$/, "");
  const githubApiUrl = set.githubApiUrl?.replace(/\/+$/, "");
  return {
    githubUrl: githubUrl ?? (githubApiUrl === undefined ? "https://github.com" : pagesOf(githubApiUrl)),
    githubApiUrl: githubApiUrl ?? (githubUrl === undefined ? "https://api.github.com" : apiOf(githubUrl)),
  };
}

function pagesOf(githubApiUrl: string): string {
  const { protocol, host } = new URL(githubApiUrl);
  return `${protocol}//${host.replace(/^api\./, "")}`;
}

function apiOf(githubUrl: string): string {
  const { protocol, host } = new URL(githubUrl);
  const isCloud = host === "github.com" || host.endsWith(".ghe.com");
  return isCloud ? `${protocol}//api.${host}` : `${githubUrl}/api/v3`;
}
