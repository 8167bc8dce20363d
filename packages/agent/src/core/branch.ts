const form = /^(?!refs\/)[A-Za-z0-9_][A-Za-z0-9_./-]*[/-]issue-[1-9]\d{0,9}-[a-z0-9]{6,32}$/;

/** What follows the prefix in a run's one ref, fixed when the run is made. `rand` is lower-case letters and digits. */
export function branchTail(issueNumber: number, rand: string): string {
  const tail = `/issue-${issueNumber}-${rand}`;
  if (!form.test(`a${tail}`)) throw new RangeError(`not a branch of ours: ${tail}`);
  return tail;
}

/** Only such refs may ever be created, moved or deleted by us. */
export function isOurBranch(branch: string): boolean {
  return form.test(branch) && !/\.\.|\/[./]/.test(branch);
}

/**
 * The names under which a run may publish, in their order: its own; one beside it, when its own is taken or has
 * branches below it; one without a folder, when a branch has the folder's name.
 */
export function branchNames(branch: string): string[] {
  return [branch, `${branch}x2`, branch.replaceAll("/", "-")];
}

/** Patterns of `ls-remote` for the branches that git cannot hold beside this one: above it, and below it. */
export function rivalPatterns(branch: string): string[] {
  const parts = branch.split("/");
  return [...parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/")), `${branch}/*`];
}

/** The branch of `heads` that keeps git from making this one: a name is either a branch or a folder of branches. */
export function rivalOf(branch: string, heads: Iterable<string>): string | null {
  for (const head of heads) if (branch.startsWith(`${head}/`) || head.startsWith(`${branch}/`)) return head;
  return null;
}
