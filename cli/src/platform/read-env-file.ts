import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ignoring } from "./ignoring.ts";

/** What an app's own file may say: keys, and which repository this is. */
const keys = [
  "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "GITHUB_TOKEN",
  "GITHUB_REPO", "ANTHROPIC_MODEL",
] as const; // prettier-ignore

/** Where a key is sent: the file's word counts only for a key that stands in the file too. */
const addresses: Record<string, readonly string[]> = {
  ANTHROPIC_BASE_URL: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
  GITHUB_API_URL: ["GITHUB_TOKEN"],
  GITHUB_URL: ["GITHUB_TOKEN"],
};

/**
 * The app's `.env.local`: parsed, never evaluated. What is really set in the environment wins; empty means unset.
 * The file may have come with the repository, so it names no program to start, no price, no folder, and it sends no
 * key of the environment's elsewhere.
 */
export function withEnvFile(
  environment: Record<string, string | undefined>,
  folder: string,
): Record<string, string | undefined> {
  const text = ignoring(["ENOENT", "ENOTDIR"], () => readFileSync(join(folder, ".env.local"), "utf8"), "");
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const said = parseEnv(text);
  const own = keys.filter((name) => said[name] && !set[name]);
  const aimed = Object.keys(addresses).filter((name) => {
    const sent = addresses[name] ?? [];
    return said[name] && own.some((key) => sent.includes(key)) && !sent.some((key) => set[key]);
  });
  return { ...Object.fromEntries([...own, ...aimed].map((name) => [name, said[name]])), ...set };
}
