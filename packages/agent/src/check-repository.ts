import { type CheckFinding } from "@feedback-chat/protocol/check";
import { runSettings } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Octokit } from "@octokit/rest";
import type { MachineConfig } from "./config.ts";
import { asked } from "./coordinators/ask-github.ts";
import { exampleBranch, judgeBranches } from "./core/judge-branches.ts";
import { openNetwork } from "./platform/open-network.ts";
import { systemClock } from "./platform/system-clock.ts";
import { openOctokit } from "./publish/open-octokit.ts";

export { parseRunConfig } from "./config.ts";

type Where = { owner: string; repo: string };

/**
 * Looks whether runs of this machine could push to a repository; changes nothing.
 * @throws Problem missing_key, usage, not_found, github_access, github_unreachable, rate_limited
 * @example await checkRepository(parseRunConfig(process.env), { repo: "acme/shop", signal })
 */
export async function checkRepository(
  config: MachineConfig,
  { repo: fullName, signal }: { repo: string; signal: AbortSignal },
): Promise<CheckFinding[]> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(fullName)) throw new Problem("usage", `"${fullName}" is no owner/name.`);
  const token = config.localCredentials.clone?.value ?? null;
  if (token === null)
    throw new Problem("missing_key", "GITHUB_TOKEN is not set.", { next: "Set it, and check again." });
  await using network = await openNetwork(config);
  const octokit = openOctokit({ fetch: network.fetch, signal }, { apiUrl: config.githubApiUrl, token });
  const [owner = "", repo = ""] = fullName.split("/");
  const { now } = systemClock();
  await asked({ now }, `the repository ${fullName}`, () => octokit.repos.get({ owner, repo }));
  const { status, detail, next } = await lookAtBranches({ octokit, now }, { owner, repo });
  return [{ id: "branches", status, title: "runs can push their branches", detail, next: next ?? "" }];
}

async function lookAtBranches({ octokit, now }: { octokit: Octokit; now(): Date }, where: Where) {
  // `run` takes no other prefix.
  const { branchPrefix } = runSettings.parse({});
  const { branch, rivals } = exampleBranch(branchPrefix);
  const orNothing = <T>(call: () => Promise<{ data: T }>) =>
    asked({ now }, "the repository's branches", () => call().catch(absent));
  const found = await Promise.all(
    rivals.map((name) => orNothing<unknown>(() => octokit.git.getRef({ ...where, ref: `heads/${name}` }))),
  );
  // Servers that know no rulesets answer 404.
  const rules = await orNothing(() => octokit.repos.getBranchRules({ ...where, branch, per_page: 100 }));
  const rival = rivals.find((_, nth) => found[nth]?.data);
  return judgeBranches(branchPrefix, { rival, rules: rules.data ?? [] });
}

function absent(error: unknown): { data: null } {
  if (error instanceof Error && "status" in error && error.status === 404) return { data: null };
  throw error;
}
