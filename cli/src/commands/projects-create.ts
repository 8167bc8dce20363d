import { Problem } from "@feedback-chat/protocol/problem";
import { fullName } from "@feedback-chat/protocol/project";
import { postProjects } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { openProfiles } from "../platform/profiles.ts";

const projectsCreate: CommandRun<{ name?: string; repo?: string }> = async (context, flags) => {
  const repo = fullName.safeParse(flags.repo ?? "");
  if (!repo.success)
    throw new Problem("usage", flags.repo ? `"${flags.repo}" is no owner/name.` : "Which repository?", {
      next: "Give --repo owner/name.",
    });
  const api = openApi(context);
  const name = flags.name ?? repo.data.split("/")[1] ?? repo.data;
  const made = await api.call(postProjects, { body: { name, githubRepo: repo.data } });
  const { terminal, config } = context;
  openProfiles(config.configFolder).useProject(api.url, made.project.id);
  terminal.result("projects create", made);
  if (terminal.isJson) return;
  terminal.data(
    `project      ${made.project.id}\nAGENT_URL    ${api.url}/api/agent/${made.project.id}\nFEEDBACK_CHAT_API_KEY  ${made.apiKey}\nwebhook      ${made.webhook.url}\nsecret       ${made.webhook.secret}\n`,
  );
  terminal.say(
    "The key and the secret are shown this once. Add the webhook to the repository (issues, pull requests, deployments; JSON),",
  );
  terminal.say(`then: feedback-chat credentials set github_token --project ${made.project.id}`);
};
export default projectsCreate;
