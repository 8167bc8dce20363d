import { Problem } from "@feedback-chat/protocol/problem";
import { actions } from "@feedback-chat/protocol/run-machine";
import { actionRequest } from "@feedback-chat/protocol/run";
import { getRunsRunId, postRunsProjectIdRunIdAction } from "@feedback-chat/protocol/operations";
import * as z from "zod";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";

const runsAction: CommandRun<{ comment?: string; expectStage?: string }> = async (
  context,
  flags,
  [runId = "", action = ""],
) => {
  if (!actions.includes(action as "retry"))
    throw new Problem("usage", `The actions are ${actions.join(", ")}, not "${action}".`);
  const parsed = actionRequest.safeParse({
    action,
    ...(flags.comment ? { comment: flags.comment } : {}),
    ...(flags.expectStage ? { expectedStage: flags.expectStage } : {}),
  });
  if (!parsed.success) throw new Problem("usage", z.prettifyError(parsed.error));
  const api = openApi(context);
  const { projectId } = await api.call(getRunsRunId, { params: { runId } });
  const { run } = await api.call(postRunsProjectIdRunIdAction, { params: { projectId, runId }, body: parsed.data });
  context.terminal.result("runs action", { run });
  context.terminal.say(`${action}: ${run.id} is ${run.stage}${run.waitingFor ? `, waits for ${run.waitingFor}` : ""}`);
};
export default runsAction;
