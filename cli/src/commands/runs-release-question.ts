import { postRunsRunIdQuestionRelease } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";

const runsReleaseQuestion: CommandRun = async (context, _flags, [runId = ""]) => {
  const { run } = await openApi(context).call(postRunsRunIdQuestionRelease, { params: { runId } });
  context.terminal.result("runs release-question", { run });
  context.terminal.say(`The question of ${run.id} goes to its issue and to who reported it.`);
};
export default runsReleaseQuestion;
