import { project } from "@feedback-chat/protocol/project";
import { pageOf } from "@feedback-chat/protocol/run";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";

const projectsList: CommandRun = async (context) => {
  const page = await openApi(context).get("/v1/projects?limit=100", pageOf(project));
  context.terminal.result("projects list", page);
  if (context.terminal.isJson) return;
  if (page.items.length === 0)
    context.terminal.say("No project yet: `feedback-chat projects create --repo owner/name`.");
  for (const { id, name, githubRepo, isPaused } of page.items)
    context.terminal.data(`${id}  ${cleanText(name)}  ${githubRepo}${isPaused ? "  paused" : ""}\n`);
};
export default projectsList;
