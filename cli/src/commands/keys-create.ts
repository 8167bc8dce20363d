import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Problem } from "@feedback-chat/protocol/problem";
import { createdKey, me } from "@feedback-chat/protocol/project";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";

const keysCreate: CommandRun<{ worker?: boolean; name?: string }> = async (context, flags) => {
  if (!flags.worker) throw new Problem("usage", "Which kind of key?", { next: "Give --worker." });
  const api = openApi(context);
  const { workspaces } = await api.get("/v1/me", me);
  const workspace = workspaces.find(({ role }) => role === "owner" || role === "admin");
  if (!workspace) throw new Problem("forbidden", "You are admin of no workspace.");
  const made = await api.post(
    `/v1/workspaces/${workspace.id}/worker-keys`,
    { name: flags.name ?? hostname() },
    createdKey,
    randomUUID(),
  );
  context.terminal.result("keys create", made);
  if (!context.terminal.isJson) context.terminal.data(`${made.key}\n`);
  context.terminal.say("It is shown this once. Give it to the worker as FEEDBACK_CHAT_WORKER_KEY.");
};
export default keysCreate;
