import { githubAddresses } from "@feedback-chat/protocol/github-addresses";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext } from "../command.ts";
import { repositoryOfRemote } from "../core/repository-of-remote.ts";
import { readRemote } from "./read-remote.ts";

/**
 * The repository that a command is about, as `owner/name`: its flag, `GITHUB_REPO`, or the folder's remote.
 * @throws Problem usage when none of them names one
 */
export async function findRepository(
  { config, folder }: CommandContext,
  flag: string | undefined,
  environment: Record<string, string | undefined>,
): Promise<string> {
  const { GITHUB_URL, GITHUB_API_URL } = config.all;
  const { githubUrl } = githubAddresses({
    githubUrl: GITHUB_URL || undefined,
    githubApiUrl: GITHUB_API_URL || undefined,
  });
  const host = new URL(githubUrl).host;
  const remote = await readRemote(folder);
  const repo = flag ?? environment["GITHUB_REPO"] ?? (remote ? repositoryOfRemote(remote, host) : undefined);
  if (repo) return repo;
  throw new Problem(
    "usage",
    remote ? `The remote ${remote.replace(/\/\/[^@/]*@/, "//")} is not on ${host}.` : "This folder has no remote.",
    { next: "Give --repo owner/name." },
  );
}
