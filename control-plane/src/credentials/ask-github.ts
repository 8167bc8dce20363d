import { cleanLine } from "@feedback-chat/agent/core/clean-log";
import { readRefusal } from "@feedback-chat/agent/core/github-refusal";
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
  if (!response.ok) {
    const headers = Object.fromEntries(response.headers);
    const { kind, detail, next } = readRefusal(
      { status: response.status, headers, said: await saidBy(response) },
      new Date(),
    );
    if (kind === "rate") return undefined;
    const isMissing = response.status === 404;
    throw new Problem("github_access", isMissing ? `GitHub shows no repository ${githubRepo} to this token.` : detail, {
      next: `${next.replace(", then retry", ", then set it again")} Nothing was changed here.`,
    });
  }
  const { id, full_name: fullName, private: isPrivate } = repository.parse(await response.json());
  return { id, fullName, isPrivate };
}

/** GitHub's own words, if it was GitHub that answered. */
async function saidBy(response: Response): Promise<string> {
  const [, words] = /"message"\s*:\s*"([^"]*)"/.exec(await response.text()) ?? [];
  return cleanLine(words ?? response.statusText).slice(0, 300);
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
