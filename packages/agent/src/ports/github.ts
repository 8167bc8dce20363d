/**
 * GitHub as the publisher needs it: look first, then act; a lost answer is looked up, never repeated blindly.
 * Every call may throw: Problem run_failed (`github_access`, `github_refused`), `rate_limited` (come back later), or
 * `github_unreachable` (look again).
 */
export interface GitHubPublisher {
  /** The repository as it is now, found by its id whatever its name has become. */
  look(): Promise<RepositoryNow>;
  /** The open or closed pull request whose head is our branch, and whether it is of this run (by its marker). */
  findPull(branch: string, runId: string): Promise<Pull | null>;
  /** Null: there is one already, or its answer was lost. Look again. */
  createPull(input: {
    branch: string;
    base: string;
    title: string;
    body: string;
    isDraft: boolean;
    runId: string;
  }): Promise<Pull | null>;
  updatePull(number: number, input: { body: string }): Promise<void>;
  /** A comment that holds the marker is never written twice. */
  commentOnce(number: number, marker: string, body: string): Promise<void>;
  /** sha of a branch, null when it does not exist. */
  headOf(branch: string): Promise<string | null>;
}

export type RepositoryNow = { fullName: string; isArchived: boolean; defaultBranch: string };

export type Pull = {
  number: number;
  url: string;
  state: "open" | "closed";
  isMerged: boolean;
  isDraft: boolean;
  isOfThisRun: boolean;
  headSha: string;
};
