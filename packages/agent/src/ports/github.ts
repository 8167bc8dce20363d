/** GitHub as the publisher needs it: look first, then act; a lost answer is looked up, never repeated blindly. */
export interface GitHubPublisher {
  /** The open or closed pull request whose head is our branch, and whether it is of this run (by its marker). */
  findPull(branch: string, runId: string): Promise<Pull | null>;
  createPull(input: { branch: string; base: string; title: string; body: string; isDraft: boolean }): Promise<Pull>;
  updatePull(number: number, input: { body: string }): Promise<void>;
  commentOnce(number: number, marker: string, body: string): Promise<void>;
  /** sha of a branch, null when it does not exist. */
  headOf(branch: string): Promise<string | null>;
}

export type Pull = {
  number: number;
  url: string;
  state: "open" | "closed";
  isMerged: boolean;
  isDraft: boolean;
  isOfThisRun: boolean;
  headSha: string;
};
