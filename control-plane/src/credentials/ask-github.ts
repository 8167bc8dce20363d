import { Problem } from "@feedback-chat/protocol/problem";
import * as z from "zod";

const repository = z.object({
  id: z.int(),
  full_name: z.string(),
  private: z.boolean().default(false),
});
export type FoundRepository = { id: number; fullName: string; isPrivate: boolean };

/**
 * Looks a repository up with the token that shall serve it. Undefined when GitHub cannot be reached now: the token
 * may still be right.
 * @throws Problem github_access when GitHub says no.
 */
export async function askGitHub(
  { githubApiUrl }: { githubApiUrl: string },
  { githubRepo, token }: { githubRepo: string; token: string },
): Promise<FoundRepository | undefined> {
  const response = await reach(`${githubApiUrl}/repos/${githubRepo}`, token);
  if (!response || response.status >= 500 || response.status === 429) return undefined;
  if (response.status === 401)
    throw new Problem("github_access", "GitHub does not accept this token.", {
      next: "Make a new token and set it again; nothing was changed here.",
    });
  if (!response.ok)
    throw new Problem("github_access", `GitHub shows no repository ${githubRepo} to this token.`, {
      next: "Check the name, and give the token access to this repository; nothing was changed here.",
    });
  const { id, full_name: fullName, private: isPrivate } = repository.parse(await response.json());
  return { id, fullName, isPrivate };
}

async function reach(url: string, token: string): Promise<Response | undefined> {
  try {
    return await fetch(url, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "user-agent": "feedback-chat",
      },
      // A rename answers with a redirect to the same origin by id.
      signal: AbortSignal.timeout(5_000),
    });
  } catch (error) {
    // `fetch` throws TypeError for a network failure and DOMException for its time.
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
}
