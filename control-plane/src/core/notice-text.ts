export type NoticeKind = "notice_held" | "notice_waiting" | "notice_failed" | "notice_soon_over" | "notice_sent_back";

type Notice = {
  kind: NoticeKind;
  projectName: string;
  issueNumber: number | null;
  reason: string | null;
  endsAt: Date | null;
  url: string;
};

const longestReason = 500;

/** What a mail about a run says. An issue is named by its number: its title is a stranger's text. */
export function noticeText({ kind, projectName, issueNumber, reason, endsAt, url }: Notice) {
  const what = issueNumber === null ? projectName : `${projectName} #${issueNumber}`;
  const why = reason === null ? null : oneLine(reason);
  const lines = [
    sentences[kind].says,
    why && `Reason: ${why}`,
    endsAt && `It ends by itself at ${endsAt.toISOString().slice(0, 16).replace("T", " ")} UTC.`,
    `Look and decide: ${url}`,
  ];
  return { subject: `${sentences[kind].subject}: ${oneLine(what)}`, body: `${lines.filter(Boolean).join("\n\n")}\n` };
}

const sentences: Record<NoticeKind, { subject: string; says: string }> = {
  notice_held: {
    subject: "Waits for your approval",
    says: "A change is ready and is held until a person approves it.",
  },
  notice_waiting: { subject: "Waits for you", says: "A run cannot go on by itself." },
  notice_failed: { subject: "Failed", says: "A run, or what it had to do on GitHub, failed." },
  notice_sent_back: {
    subject: "Not right yet",
    says: "Who reported it looked, and says that it is not right yet. Their words are on the issue. Nothing changes by itself: request changes of an open change, or have the issue worked on again.",
  },
  notice_soon_over: { subject: "Soon over", says: "A run still waits, and will end by itself soon." },
};

/** What makes a notice the same as one that was sent. */
export function onceOf({ standing, kind }: { standing: string; kind: NoticeKind }): string {
  return `${standing}:${kind}`;
}

/** All that a public page learns of it. */
export const mentionText = "A person of this project is waited for here: please look at the dashboard.";

/** Neither a line break nor another control character leaves its line. */
function oneLine(text: string): string {
  return text
    .replace(/\p{C}+/gu, " ")
    .trim()
    .slice(0, longestReason);
}
