import { withoutProxySecrets } from "@feedback-chat/protocol/http-proxies";
import { type GitNetwork, type GitToken, basicOf } from "./git-environment.ts";

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

export function withoutSecrets(text: string, token: GitToken | null, network?: GitNetwork): string {
  const secrets = token ? [token.value, basicOf(token.value), encodeURIComponent(token.value)] : [];
  const proxy = network?.proxy ?? "";
  const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
  const clean = withoutProxySecrets(known, { httpProxy: proxy, httpsProxy: "", noProxy: "" });
  // The far end's words may hold terminal commands and invisible characters.
  return clean.replaceAll(/(?![\n\t])\p{C}/gu, "").slice(0, 4_096);
}
