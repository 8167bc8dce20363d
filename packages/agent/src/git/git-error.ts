import { type GitToken, basicOf } from "./git-environment.ts";

export type GitResult = {
  exitCode: number;
  isTimedOut: boolean;
  isCut: boolean;
  stdout: Buffer;
  stderr: string;
};

export function gitError(args: string[], result: GitResult): Error {
  const why = result.isTimedOut
    ? "ran out of time"
    : result.isCut
      ? "said more than is allowed"
      : `ended with ${result.exitCode}`;
  return new Error(`git ${args[0]} ${why}: ${result.stderr.trim()}`);
}

export function withoutSecrets(text: string, token: GitToken | null): string {
  const secrets = token ? [token.value, basicOf(token.value), encodeURIComponent(token.value)] : [];
  const clean = secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
  // The far end's words may hold terminal commands and invisible characters.
  return clean.replaceAll(/(?![\n\t])\p{C}/gu, "").slice(0, 4_096);
}
