import { hostname } from "node:os";
import { Problem } from "@feedback-chat/protocol/problem";
import { getMe, postWorkspacesWorkspaceIdWorkerKeys } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";

const keysCreate: CommandRun<{ worker?: boolean; name?: string }> = async (context, flags) => {
  if (!flags.worker) throw new Problem("usage", "Which kind of key?", { next: "Give --worker." });
  const api = openApi(context);
  const { workspaces } = await api.call(getMe);
  const workspace = workspaces.find(({ role }) => role === "owner" || role === "admin");
  if (!workspace) throw new Problem("forbidden", "You are admin of no workspace.");
  const made = await api.call(postWorkspacesWorkspaceIdWorkerKeys, {
    params: { workspaceId: workspace.id },
    body: { name: flags.name ?? hostname() },
  });
  context.terminal.result("keys create", made);
  if (!context.terminal.isJson) context.terminal.data(`${made.key}\n`);
  context.terminal.say("It is shown this once. Give it to the worker as FEEDBACK_CHAT_WORKER_KEY.");
};
export default keysCreate;
