import { asGithubWait, asRunFailure } from "../ports/run-failure.ts";
import { githubProblem } from "../publish/github-trouble.ts";
import { Problem } from "@feedback-chat/protocol/problem";

const maxPages = 10;

export async function listAll<P extends { per_page: number }, T>(
  list: (parameters: P & { page: number }) => Promise<{ data: T[] }>,
  parameters: P,
): Promise<{ data: T[] }> {
  const items: T[] = [];
  for (let page = 1; page <= maxPages; page += 1) {
    const { data } = await list({ ...parameters, page });
    items.push(...data);
    if (data.length < parameters.per_page) break;
  }
  return { data: items };
}

export async function asked<T>(
  { now }: { now(): Date },
  what: string,
  call: () => Promise<{ data: T }>,
): Promise<{ data: T }> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 404) {
      const told = asRunFailure(githubProblem(error, now()));
      throw new Problem("not_found", `GitHub does not show ${what} to this token.`, {
        next: `Check the number. ${told?.next ?? ""}`.trim(),
        cause: error,
      });
    }
    const problem = githubProblem(error, now());
    const failure = asRunFailure(problem);
    if (failure?.code === "github_access") {
      throw new Problem("github_access", `GitHub refuses to show ${what}. ${failure.detail}`, {
        next: failure.next,
        cause: error,
      });
    }
    const wait = asGithubWait(problem);
    if (wait)
      throw new Problem("rate_limited", wait.detail, {
        next: `Try again in ${wait.untilSeconds} seconds.`,
        cause: error,
      });
    throw problem;
  }
}
