import type { Repository } from "@feedback-chat/protocol/job";
import { branchNames, rivalOf, rivalPatterns } from "../core/branch.ts";
import { gitNetworkFor } from "../git/git-environment.ts";
import { lookHeads, noFreeName } from "../git/look-heads.ts";
import type { RunLog } from "../run-log.ts";
import type { CloneDeps } from "./clone.ts";

type Wanted = { repository: Repository; token: string | null; branch: string };

/**
 * Looks before the agent starts whether git could hold the run's branch: a branch called as one of its folders, or
 * below it, makes every push fail. A name that is free is taken later, by the publisher.
 * @throws Problem run_failed `github_refused`, naming what is in the way
 */
export async function requireFreeBranch(
  deps: CloneDeps & { log: Pick<RunLog, "write"> },
  { repository, token, branch }: Wanted,
): Promise<void> {
  const { cloneUrl } = repository;
  const gitDeps = { ...deps, network: gitNetworkFor(cloneUrl, deps.networkFacts) };
  const origin = new URL(cloneUrl).origin;
  const remote = { gitDir: "", url: cloneUrl, token: token === null ? null : { origin, value: token } };
  const names = branchNames(branch);
  const heads = await lookHeads(gitDeps, remote, names.flatMap(rivalPatterns));
  const [rival, ...others] = names.map((name) => rivalOf(name, heads.keys()));
  if (!rival) return;
  if (!others.includes(null)) throw await noFreeName(gitDeps, remote, branch);
  const free = names[others.indexOf(null) + 1];
  deps.log.write("warn", `The branch "${rival}" is in the way of "${branch}": the change will go to "${free}".`);
}
