import { cleanText } from "@feedback-chat/agent/core/clean-log";
import { quote } from "@feedback-chat/agent/core/neutralise";
import { makeRedactor } from "@feedback-chat/agent/core/redact";

const redactor = makeRedactor([]);

/** One plain line without what looks like a secret. Its worker did the same; what a worker says is a claim. */
export function plainQuestion(text: string): string {
  return redactor.text(cleanText(text)).replace(/\s+/g, " ").trim().slice(0, 300);
}

/** The agent's question as its issue shows it: a claim of the agent's, so nothing in it links, calls or closes. */
export function questionComment(question: string): string {
  return [
    "There is one question before work on this goes on:",
    quote(question),
    'A maintainer answers in the dashboard, or with `feedback-chat runs action <run> answer --comment "…"`; who reported it, on their private page. It waits for some days, then ends.',
  ].join("\n\n");
}

/** What a reporter said was not right, as the issue shows it. */
export function reopenedComment(words: string): string {
  return `The reporter says that it is not right yet:\n\n${quote(words)}`;
}
