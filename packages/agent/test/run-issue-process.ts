import { isProblem } from "@feedback-chat/protocol/problem";
import { parseRunConfig } from "../src/config.ts";
import { runIssue, type RunIssueInput } from "../src/run-issue.ts";

/** One local run as a process that can be killed: environment and input on stdin, events and the result as NDJSON. */
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { environment, input } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
  environment: Record<string, string>;
  input: RunIssueInput;
};
const say = (line: unknown) => void process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const result = await runIssue(parseRunConfig(environment), {
    ...input,
    signal: new AbortController().signal,
    onEvent: say,
    ask: async () => "approve",
  });
  say({ type: "result", result });
} catch (error) {
  if (!isProblem(error)) throw error;
  say({ type: "problem", code: error.code, next: error.next });
}
