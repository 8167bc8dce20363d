import { randomUUID } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import { actions } from "@feedback-chat/protocol/run-machine";
import { actionAnswer, runDetail } from "@feedback-chat/protocol/run";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";

const runsAction: CommandRun<{ comment?: string; expectStage?: string }> = async (context, flags, [runId, action]) => {
  if (!actions.includes(action as "retry"))
    throw new Problem("usage", `The actions are ${actions.join(", ")}, not "${action}".`);
  const api = openApi(context);
  const { projectId } = await api.get(`/v1/runs/${runId}`, runDetail);
  const body = {
    action,
    ...(flags.comment ? { comment: flags.comment } : {}),
    ...(flags.expectStage ? { expectedStage: flags.expectStage } : {}),
  };
  const { run } = await api.post(`/api/runs/${projectId}/${runId}/action`, body, actionAnswer, randomUUID());
  context.terminal.result("runs action", { run });
  context.terminal.say(`${action}: ${run.id} is ${run.stage}${run.waitingFor ? `, waits for ${run.waitingFor}` : ""}`);
};
export default runsAction;
