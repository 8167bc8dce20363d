import type { ProjectGitHub } from "../github/github-for.ts";

type Wanted = { sha: string; isProduction: boolean };
type ApiDeployment = { id: number; environment: string; production_environment?: boolean };

/** A deployment of this commit that ended well; null when there is none (yet). */
export async function findDeployment(
  { octokit, named }: ProjectGitHub,
  { sha, isProduction }: Wanted,
): Promise<{ url: string | null } | null> {
  const { data } = await octokit.rest.repos.listDeployments({ ...named, sha, per_page: 20 });
  for (const deployment of data) {
    if (isOfProduction(deployment) !== isProduction) continue;
    const { data: statuses } = await octokit.rest.repos.listDeploymentStatuses({
      ...named,
      deployment_id: deployment.id,
      per_page: 10,
    });
    const good = statuses.find(({ state }) => state === "success");
    if (good) return { url: good.environment_url || good.target_url || null };
  }
  return null;
}

/** Whether the repository tells GitHub at all what it deploys to production. */
export async function reportsProduction({ octokit, named }: ProjectGitHub): Promise<boolean> {
  const [byName, recent] = await Promise.all([
    octokit.rest.repos.listDeployments({ ...named, environment: "production", per_page: 1 }),
    octokit.rest.repos.listDeployments({ ...named, per_page: 30 }),
  ]);
  return byName.data.length > 0 || recent.data.some(isOfProduction);
}

function isOfProduction({ environment, production_environment: isSo }: ApiDeployment): boolean {
  return (isSo ?? false) || environment.toLowerCase() === "production";
}
