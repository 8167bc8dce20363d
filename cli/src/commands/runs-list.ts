import { getRunsProjectId } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { wholeNumber } from "../core/whole-number.ts";
import { dollars } from "../core/money.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";

const runsList: CommandRun<{ limit: string }> = async (context, flags) => {
  const api = openApi(context);
  const page = await api.call(getRunsProjectId, {
    params: { projectId: api.projectId() },
    query: { limit: wholeNumber("--limit", flags.limit, [1, 100]) },
  });
  context.terminal.result("runs list", page);
  if (context.terminal.isJson) return;
  if (page.items.length === 0) context.terminal.say("This project has no run yet.");
  for (const run of page.items) {
    const standing = run.waitingFor ? `${run.stage} (waits for ${run.waitingFor})` : run.stage;
    context.terminal.data(
      `${run.id}  #${run.issueNumber}  ${standing}  ${dollars(run.costMicroUsd)}  ${cleanText(run.triggeredBy)}  ${run.prUrl ?? ""}\n`,
    );
  }
};
export default runsList;
