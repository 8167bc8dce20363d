import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ignoring } from "./ignoring.ts";

/** The app's `.env.local`: parsed, never evaluated. What is really set in the environment wins; empty means unset. */
export function withEnvFile(
  environment: Record<string, string | undefined>,
  folder: string,
): Record<string, string | undefined> {
  const text = ignoring(["ENOENT", "ENOTDIR"], () => readFileSync(join(folder, ".env.local"), "utf8"), "");
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  return { ...parseEnv(text), ...set };
}
