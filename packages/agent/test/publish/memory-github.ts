import { Problem } from "@feedback-chat/protocol/problem";
import type { GitHubPublisher, Pull } from "../../src/ports/github.ts";
import type { TestRepository } from "../git/make-repository.ts";

export type MemoryGitHub = GitHubPublisher & {
  pulls: (Pull & { branch: string; body: string; title: string })[];
  comments: { number: number; body: string }[];
  /** How many of the next calls answer with 503; `afterActing` loses the answer of a call that worked. */
  outage: { calls: number; afterActing: number };
  isArchived: boolean;
  /** What somebody else does between our look and our call. */
  beforeCreate?: (branch: string) => void;
};

/** The publisher's port over a bare repository, with pull requests in memory. */
export function memoryGitHub(origin: TestRepository, fullName = "acme/shop"): MemoryGitHub {
  const lost = () => new Problem("github_unreachable", "503");
  const reach = () => {
    if (github.outage.calls-- > 0) throw lost();
  };
  const headOf = (branch: string) =>
    origin.git(["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`]) || null;
  const github: MemoryGitHub = {
    pulls: [],
    comments: [],
    outage: { calls: 0, afterActing: 0 },
    isArchived: false,
    async look() {
      reach();
      return { fullName, isArchived: github.isArchived, defaultBranch: "main" };
    },
    async findPull(branch, runId) {
      reach();
      const ofBranch = github.pulls.filter((pull) => pull.branch === branch);
      const found = ofBranch.find(({ body }) => body.includes(runId)) ?? ofBranch[0];
      if (!found) return null;
      const { branch: _branch, body, title: _title, ...pull } = found;
      return {
        ...pull,
        isOfThisRun: body.includes(runId),
        headSha: headOf(branch) ?? pull.headSha,
      };
    },
    async createPull({ branch, title, body, isDraft, runId }) {
      reach();
      github.beforeCreate?.(branch);
      if (github.pulls.some((pull) => pull.branch === branch && pull.state === "open")) return null;
      const number = github.pulls.length + 1;
      const pull = {
        number,
        url: `https://github.test/${fullName}/pull/${number}`,
        state: "open" as const,
        isMerged: false,
        isDraft,
        isOfThisRun: body.includes(runId),
        headSha: headOf(branch) ?? "",
      };
      github.pulls.push({ ...pull, branch, title, body });
      if (github.outage.afterActing-- > 0) throw lost();
      return pull;
    },
    async updatePull(number, { body }) {
      reach();
      const pull = github.pulls.find((one) => one.number === number);
      if (pull) pull.body = body;
    },
    async commentOnce(number, marker, body) {
      reach();
      if (!github.comments.some((comment) => comment.body.includes(marker)))
        github.comments.push({ number, body: `${body}\n\n${marker}` });
    },
    headOf: async (branch) => headOf(branch),
  };
  return github;
}
