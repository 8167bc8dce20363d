const form = /^feedback\/issue-[1-9]\d{0,9}-[a-z0-9]{6,32}$/;

/** The one ref of a run, fixed when the run is made. `rand` is lower-case letters and digits, from the caller. */
export function branchFor(issueNumber: number, rand: string): string {
  const branch = `feedback/issue-${issueNumber}-${rand}`;
  if (!form.test(branch)) throw new RangeError(`not a branch of ours: ${branch}`);
  return branch;
}

/** Only such refs may ever be created, moved or deleted by us. */
export function isOurBranch(branch: string): boolean {
  return form.test(branch);
}
