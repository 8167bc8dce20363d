import { getMe } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";

const whoami: CommandRun = async (context) => {
  const { terminal, config } = context;
  const api = openApi(context);
  const { user, workspaces } = await api.call(getMe);
  const tokenFrom = config.token ? "FEEDBACK_CHAT_TOKEN" : "stored login";
  terminal.result("whoami", { url: api.url, user, workspaces, tokenFrom });
  if (terminal.isJson) return;
  terminal.data(`${cleanText(user.email ?? user.login)}  ${api.url}  (${tokenFrom})\n`);
  for (const { id, name, role } of workspaces) terminal.data(`${id}  ${cleanText(name)}  ${role}\n`);
};
export default whoami;
