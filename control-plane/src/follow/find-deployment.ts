import { ignoringStatus } from "../github/ignoring-status.ts";
import type { ProjectGitHub } from "../github/github-for.ts";

type Wanted = { sha: string; isProduction: boolean };
type ApiDeployment = { id: number; sha: string; environment: string; production_environment?: boolean };

/** A deployment of this commit that ended well; null when there is none (yet). */
export async function findDeployment(
  github: ProjectGitHub,
  { sha, isProduction }: Wanted,
): Promise<{ url: string | null } | null> {
  const { octokit, named } = github;
  const { data } = await octokit.rest.repos.listDeployments({ ...named, sha, per_page: 20 });
  for (const deployment of data) {
    if (isOfProduction(deployment) !== isProduction) continue;
    const good = await successOf(github, deployment);
    if (good) return { url: good.environment_url || good.target_url || null };
  }
  return null;
}

/** Several merges may go to production at once: then only the last one's commit is named by a deployment. */
export async function isInProduction(github: ProjectGitHub, sha: string): Promise<boolean> {
  const { octokit, named } = github;
  const { data } = await octokit.rest.repos.listDeployments({ ...named, per_page: 30 });
  for (const deployment of data.filter(isOfProduction)) {
    if (!(await successOf(github, deployment))) continue;
    const basehead = `${sha}...${deployment.sha}`;
    // A commit that was deployed once may be gone by now.
    const compared = await octokit.rest.repos
      .compareCommitsWithBasehead({ ...named, basehead, per_page: 1 })
      .catch(ignoringStatus(404));
    if (!compared) continue;
    const { status } = compared.data;
    return status === "ahead" || status === "identical";
  }
  return false;
}

/** Its last word may be `inactive`, once a newer one took its place. */
async function successOf({ octokit, named }: ProjectGitHub, { id }: Pick<ApiDeployment, "id">) {
  const { data } = await octokit.rest.repos.listDeploymentStatuses({ ...named, deployment_id: id, per_page: 10 });
  return data.find(({ state }) => state === "success");
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
