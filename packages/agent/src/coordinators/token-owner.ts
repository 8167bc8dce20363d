import { isProblem } from "@feedback-chat/protocol/problem";
import type { Octokit } from "@octokit/rest";
import { asked } from "./ask-github.ts";

/** Stands where a login does. No login has a blank in it. */
export const appLogin = "a GitHub App";

/**
 * Whose token this is; null for that of an App, as in GitHub Actions: it belongs to no person and may not ask. It stands
 * for the admin who installed the App, and GitHub itself refuses the push where that admin gave no right to write.
 */
export async function tokenOwner({
  octokit,
  now,
}: {
  octokit: Octokit;
  now(): Date;
}): Promise<{ login: string; id: number } | null> {
  try {
    return (await asked({ now }, "whose token this is", () => octokit.users.getAuthenticated())).data;
  } catch (error) {
    if (isProblem(error, "github_access") && /not accessible by integration/i.test(error.message)) return null;
    throw error;
  }
}
