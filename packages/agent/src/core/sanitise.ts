import type { RawSnapshot } from "@feedback-chat/protocol/job";
import { dropInvisible } from "./invisible.ts";
import { visibleText } from "./visible-text.ts";

export const maxTitleChars = 200;
export const maxBodyChars = 20_000;
const maxCommentChars = 4_000;
const maxComments = 50;

/** What the agent gets to read: the words that people see, and nothing else. */
export type CleanSnapshot = Pick<
  RawSnapshot,
  "issueNumber" | "issueUrl" | "title" | "body" | "labels" | "author" | "comments"
>;
export type Sanitised = { snapshot: CleanSnapshot; hiddenRemoved: number; wasCut: boolean };

/**
 * Makes text of a frozen issue. It removes what readers cannot see and bounds what is left; it makes no text
 * safe to obey: that is what the walls are for. The same in, the same out; its own output is left as it is.
 */
export function sanitise(raw: RawSnapshot): Sanitised {
  const title = plainLine(raw.title, maxTitleChars);
  const body = visibleText(raw.body, maxBodyChars);
  const comments = raw.comments.slice(0, maxComments).map((comment) => ({
    author: plainLine(comment.author, 100),
    body: visibleText(comment.body, maxCommentChars),
  }));
  const parts = [title, body, ...comments.flatMap((comment) => [comment.author, comment.body])];
  return {
    snapshot: {
      issueNumber: raw.issueNumber,
      issueUrl: raw.issueUrl,
      title: title.text,
      body: body.text,
      labels: raw.labels.slice(0, 100).map((label) => plainLine(label, 100).text),
      author: plainLine(raw.author, 100).text,
      comments: comments.map((comment) => ({
        author: comment.author.text,
        body: comment.body.text,
      })),
    },
    hiddenRemoved: parts.reduce((sum, part) => sum + part.hiddenRemoved, 0),
    wasCut: parts.some((part) => part.wasCut) || raw.comments.length > maxComments,
  };
}

/** What people said after the gate: the answer to the agent's question, and a reviewer's request for changes. */
export type Said = { question: { text: string; answer: string | null } | null; changeRequest: string | null };

/** Makes text of it by the rules of the issue's own text: it reaches the agent by the same folder. */
export function sanitiseSaid({ question, changeRequest }: Said): {
  said: Said;
  hiddenRemoved: number;
  wasCut: boolean;
} {
  const answer = visibleText(question?.answer ?? "", maxCommentChars);
  const request = visibleText(changeRequest ?? "", maxBodyChars);
  return {
    said: {
      question: question && { text: question.text, answer: question.answer === null ? null : answer.text },
      changeRequest: changeRequest === null ? null : request.text,
    },
    hiddenRemoved: answer.hiddenRemoved + request.hiddenRemoved,
    wasCut: answer.wasCut || request.wasCut,
  };
}

/** GitHub shows titles and names as they are, in one line. */
function plainLine(raw: string, maxChars: number): { text: string; hiddenRemoved: number; wasCut: boolean } {
  const { text, dropped } = dropInvisible(raw.slice(0, 10 * maxChars));
  const line = text.replace(/\s+/g, " ").trim();
  return {
    text: line.slice(0, maxChars).toWellFormed().trim(),
    hiddenRemoved: dropped,
    wasCut: line.length > maxChars || raw.length > 10 * maxChars,
  };
}
