import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandRun } from "../command.ts";
import { addressFor } from "../platform/api-client.ts";
import { openProfiles } from "../platform/profiles.ts";
import { revokeLogin } from "../platform/revoke-login.ts";

/** The token is dead at the server before it is forgotten here: one that nobody has any more could not be revoked. */
const logout: CommandRun<{ local?: boolean }> = async (context, flags) => {
  const { terminal, config } = context;
  const url = addressFor(context);
  const profiles = openProfiles(config.configFolder);
  const stored = profiles.forUrl(url);
  if (!stored) throw new Problem("unauthenticated", `There is no login for ${url} on this machine.`);
  const isRevoked = flags.local ? false : await revokeLogin(stored);
  profiles.forget(url);
  terminal.result("logout", { url, isRevoked });
  if (flags.local)
    terminal.say(`Forgot the login for ${url}. Its token is still good until it is revoked: docs/api.md says how.`);
  else terminal.say(`Logged out of ${url}${isRevoked ? "" : "; the server did not know its token any more"}.`);
};
export default logout;
