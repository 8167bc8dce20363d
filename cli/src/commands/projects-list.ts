import { getProjects } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";

const projectsList: CommandRun = async (context) => {
  const page = await openApi(context).call(getProjects, { query: { limit: 100 } });
  context.terminal.result("projects list", page);
  if (context.terminal.isJson) return;
  if (page.items.length === 0)
    context.terminal.say("No project yet: `feedback-chat projects create --repo owner/name`.");
  for (const { id, name, githubRepo, isPaused } of page.items)
    context.terminal.data(`${id}  ${cleanText(name)}  ${githubRepo}${isPaused ? "  paused" : ""}\n`);
};
export default projectsList;
