import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import type { Sandbox } from "../ports/sandbox.ts";

/**
 * The first of several mechanisms that can build its walls here, found once. Leaking walls are no reason for the
 * next: who would pass a job on to weaker ones, hides that the first are broken.
 */
export function chooseSandbox(sandboxes: readonly [Sandbox, ...Sandbox[]]): Sandbox {
  let chosen: Sandbox | null = null;
  const choose = async () => (chosen ??= (await firstThatHolds(sandboxes)).sandbox);
  return {
    get id() {
      return (chosen ?? sandboxes[0]).id;
    },
    async probe() {
      if (chosen !== null) return chosen.probe();
      const { sandbox, facts } = await firstThatHolds(sandboxes);
      chosen = sandbox;
      return facts;
    },
    open: async (job) => (await choose()).open(job),
    async sweep() {
      const removed: string[] = [];
      for (const sandbox of sandboxes) removed.push(...(await sandbox.sweep()).removed);
      return { removed };
    },
  };
}

/** @throws Problem sandbox_unavailable with the first one's next step, and why each of the others cannot. */
async function firstThatHolds(sandboxes: readonly Sandbox[]) {
  const problems: Problem[] = [];
  for (const sandbox of sandboxes) {
    try {
      return { sandbox, facts: await sandbox.probe() };
    } catch (error) {
      if (!isProblem(error, "sandbox_unavailable")) throw error;
      problems.push(error);
    }
  }
  const said = problems.map(({ message }) => message).join(" ");
  throw new Problem("sandbox_unavailable", said, { next: problems[0]?.next ?? "" });
}
