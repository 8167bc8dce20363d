import { getRunsRunId } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { dollars } from "../core/money.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";

const runsShow: CommandRun = async (context, _flags, [runId = ""]) => {
  const run = await openApi(context).call(getRunsRunId, { params: { runId } });
  const { terminal } = context;
  terminal.result("runs show", run);
  if (terminal.isJson) return;
  terminal.data(`${run.id}  #${run.issueNumber} ${cleanText(run.issueTitle)}\n`);
  terminal.data(
    `stage ${run.stage}${run.waitingFor ? `, waits for ${run.waitingFor}` : ""}${run.reasonText ? `: ${cleanText(run.reasonText)}` : ""}\n`,
  );
  terminal.data(`cost ${dollars(run.costMicroUsd)}  attempt ${run.attempt}  ${run.prUrl ?? "no pull request"}\n`);
  if (run.question && run.question.answer === null) {
    terminal.data(`question ${cleanText(run.question.text)}\n`);
    if (!run.question.isReleased)
      terminal.say(`Only you see it: feedback-chat runs release-question ${run.id}, or answer it yourself.`);
  }
  for (const entry of run.timeline) {
    const who = entry.actor.login ?? entry.actor.kind;
    terminal.data(
      `${entry.at.slice(11, 19)}  ${entry.event.padEnd(18)} ${entry.stage.padEnd(14)} ${cleanText(who)}${entry.detail ? `  ${cleanText(entry.detail)}` : ""}\n`,
    );
  }
  if (run.allowedActions.length > 0) terminal.say(`possible now: ${run.allowedActions.join(", ")}`);
};
export default runsShow;
