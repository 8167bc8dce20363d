import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Repository } from "@feedback-chat/protocol/job";
import { openRunRepository } from "../git/open-run-repository.ts";
import { withMirror } from "../git/mirror-cache.ts";
import { gitNetworkFor, type GitProtocol } from "../git/git-environment.ts";
import type { NetworkFacts } from "../ports/network.ts";
import { connectTrouble } from "../git/remote-trouble.ts";
import type { Clock } from "../ports/clock.ts";
import type { RunRepository } from "../ports/git.ts";
import { runFailure } from "../ports/run-failure.ts";

export type CloneDeps = {
  clock: Clock;
  signal: AbortSignal;
  protocols?: readonly GitProtocol[];
  /** Of this machine. */
  networkFacts?: NetworkFacts;
};

export type CloneInput = {
  repository: Repository;
  /** Null: the repository's default branch. */
  baseRef: string | null;
  /** Set by a resumed run: exactly this commit, wherever the branch stands now. */
  baseSha?: string | null;
  /** Read token; null for a public repository. */
  token: string | null;
  /** Mirrors of all repositories, kept between runs. */
  cacheFolder: string;
  /** This run's own folder, which no sandbox sees; the GIT_DIR is made in it. */
  runFolder: string;
};

/**
 * Brings the base commit here and fixes it. Three tries.
 * @throws Problem run_failed: `github_access`, or `clone` (empty, base gone, unreachable).
 */
export async function cloneRepository(deps: CloneDeps, input: CloneInput): Promise<RunRepository> {
  const { repository, token, runFolder, cacheFolder } = input;
  await mkdir(runFolder, { recursive: true, mode: 0o700 });
  const wanted = {
    cacheFolder,
    repositoryId: repository.id,
    cloneUrl: repository.cloneUrl,
    token: token === null ? null : { origin: new URL(repository.cloneUrl).origin, value: token },
    baseRef: input.baseRef,
    baseSha: input.baseSha ?? null,
  };
  try {
    const gitDeps = { ...deps, network: gitNetworkFor(repository.cloneUrl, deps.networkFacts) };
    return await withMirror(gitDeps, wanted, (mirror) =>
      openRunRepository(gitDeps, mirror, join(runFolder, "repository.git")),
    );
  } catch (error) {
    deps.signal.throwIfAborted();
    if (isProblem(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    const trouble = connectTrouble(said);
    throw runFailure(
      "clone",
      `The repository could not be cloned: ${trouble ? `${trouble.detail} It said: ` : ""}${said}`,
      {
        next: trouble?.next ?? "Check that GitHub can be reached from the worker, then retry.",
        isRetryable: true,
        cause: error,
      },
    );
  }
}
