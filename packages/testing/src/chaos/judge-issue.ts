/** A run as the database holds it, with its job. */
export type RunRow = {
  repo: string;
  number: number;
  stage: string;
  reason: string | null;
  waitingFor: string | null;
  prNumber: number | null;
  branch: string;
  headSha: string | null;
  jobStatus: string;
  attempt: number;
  lost: number;
};

export const finalStages = ["preview_ready", "failed", "rejected"];

export type PullLike = { number: number; head: string; headSha: string; state: string };
export type OfIssue = { own: RunRow[]; pulls: PullLike[]; heads: { branch: string; sha: string }[]; labels: string[] };

/** What is not as it was promised about one issue: one run in a truthful end, one pull request at most, nothing lost. */
export function judgeIssue({ own, pulls, heads, labels }: OfIssue): string[] {
  const [run, ...more] = own;
  if (!run) return ["lost: no run was made of it"];
  const wrong: string[] = [];
  if (more.length > 0) wrong.push(`double: ${own.length} runs`);
  if (pulls.length > 1) wrong.push(`double: ${pulls.length} pull requests`);
  if (heads.length > 1) wrong.push(`double: ${heads.length} branches`);
  if (!finalStages.includes(run.stage)) return [...wrong, `not final: ${run.stage}, waiting for ${run.waitingFor}`];
  if (run.stage === "preview_ready") {
    const pull = pulls.find(({ number }) => number === run.prNumber);
    if (!pull || pull.state !== "open" || pull.head !== run.branch)
      wrong.push("untrue: it says that its pull request is open");
    else if (pull.headSha !== run.headSha) wrong.push("untrue: the pull request has another commit");
    if (run.jobStatus !== "done") wrong.push(`untrue: its job is ${run.jobStatus}`);
  } else {
    if (run.reason === null) wrong.push("untrue: it ended without a reason");
    if (pulls.some(({ state }) => state === "open")) wrong.push(`untrue: ${run.stage}, and a pull request is open`);
  }
  const label = { preview_ready: "preview-pending", failed: "agent-failed", rejected: "rejected" }[run.stage];
  const ours = labels.filter((name) => ["in-progress", "preview-pending", "agent-failed", "rejected"].includes(name));
  if (label && ours.join() !== label) wrong.push(`untrue on GitHub: its label should be ${label} alone`);
  return wrong;
}
