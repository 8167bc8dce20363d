import { Problem } from "@feedback-chat/protocol/problem";
import { credentialTypes, type CredentialType } from "@feedback-chat/protocol/project";
import { postProjectsProjectIdCredentials } from "@feedback-chat/protocol/operations";
import type { CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { readStdin } from "../platform/read-stdin.ts";

const credentialsSet: CommandRun<{ stdin?: boolean }> = async (context, flags, [type]) => {
  if (!credentialTypes.includes(type as "github_token"))
    throw new Problem("usage", `The types are ${credentialTypes.join(", ")}, not "${type}".`);
  const api = openApi(context);
  const projectId = api.projectId();
  const value = flags.stdin ? await readStdin() : await context.terminal.secret(`Value of ${type}`, "--stdin");
  if (!value)
    throw new Problem("usage", "The value is empty.", {
      next: "Pipe it in: `… | feedback-chat credentials set TYPE --stdin`.",
    });
  const made = await api.call(postProjectsProjectIdCredentials, {
    params: { projectId },
    body: { type: type as CredentialType, value },
  });
  context.terminal.result("credentials set", made);
  context.terminal.say(`${made.type} …${made.last4} is stored, sealed.`);
};
export default credentialsSet;
