import { hostname } from "node:os";
import { getMe, postAuthDeviceCode } from "@feedback-chat/protocol/operations";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Me } from "@feedback-chat/protocol/project";
import type { CommandContext, CommandRun } from "../command.ts";
import { addressFor, clientOf } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";
import { pause } from "../platform/pause.ts";
import { openProfiles } from "../platform/profiles.ts";
import { readStdin } from "../platform/read-stdin.ts";
import { revokeLogin } from "../platform/revoke-login.ts";
import { takeDeviceToken } from "../platform/take-device-token.ts";

type Login = { token: string; keyId?: string };

/** Lets this machine in, without a password or a browser here, and keeps the token for that one server. */
const login: CommandRun<{ tokenStdin?: boolean }> = async (context, flags) => {
  const { terminal, config } = context;
  const url = addressFor(context);
  refuseOpenHttp(url);
  const made = flags.tokenStdin ? await readToken() : await byDevice(context, url);
  const who = await clientOf(url, made.token).call(getMe);
  const profiles = openProfiles(config.configFolder);
  const before = profiles.forUrl(url);
  profiles.save(context.flags.profile ?? profiles.nameFor(url) ?? new URL(url).host, { ...before, url, ...made });
  // It is in nobody's hands any more, and would otherwise be good for ever.
  if (before && before.token !== made.token) await revokeLogin(before);
  terminal.result("login", { url, user: who.user, file: profiles.file });
  terminal.say(`Logged in to ${url} as ${nameOf(who)}. The token lies in ${profiles.file}, for your user only (0600).`);
};
export default login;

function refuseOpenHttp(url: string): void {
  const { protocol, hostname: host } = new URL(url);
  if (protocol === "https:" || ["localhost", "127.0.0.1", "[::1]"].includes(host)) return;
  throw new Problem("usage", `The way to ${url} shows the token to the network.`, { next: "Use its https address." });
}

async function readToken(): Promise<Login> {
  const token = await readStdin();
  if (/^fcu_[\w-]+$/.test(token)) return { token };
  throw new Problem("usage", "What stdin holds is no CLI token.", { next: "A token begins with `fcu_`." });
}

async function byDevice({ terminal, signal }: CommandContext, url: string): Promise<Login> {
  const api = clientOf(url, null);
  const machine = cleanText(hostname()).trim().slice(0, 100) || "a command line";
  const started = await api.call(postAuthDeviceCode, { body: { machine } });
  const { userCode, verificationUrl, verificationUrlComplete, expiresInSeconds } = started;
  if (terminal.isJson)
    terminal.event({ type: "login.code", userCode, verificationUrl, verificationUrlComplete, expiresInSeconds });
  else {
    terminal.must(`Open ${terminal.bold(cleanText(verificationUrlComplete))} in any browser that is logged in,`);
    terminal.must(`and compare the code: ${terminal.bold(cleanText(userCode))}`);
    terminal.say(terminal.dim(`It is good for ${Math.round(expiresInSeconds / 60)} min. Ctrl-C ends the wait.`));
  }
  const startedMs = performance.now();
  const { key: token, id: keyId } = await takeDeviceToken(
    {
      api,
      async pause(seconds) {
        await pause(seconds * 1_000, signal);
        signal.throwIfAborted();
      },
      elapsedSeconds: () => (performance.now() - startedMs) / 1_000,
    },
    started,
  );
  return { token, keyId };
}

function nameOf({ user }: Me): string {
  return cleanText(user.email ?? user.login);
}
