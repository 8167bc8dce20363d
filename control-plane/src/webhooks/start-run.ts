import { randomBytes } from "node:crypto";
import { botLabel } from "@feedback-chat/agent/core/labels";
import { judgeEvent } from "@feedback-chat/agent/core/gate";
import { hasLabel } from "../core/issue-event.ts";
import { enqueueRun } from "../jobs/enqueue-run.ts";
import type { Tx } from "../platform/database.ts";
import type { HookedProject } from "./find-project.ts";
import type { IssuesPayload } from "./payload.ts";
import type { Known } from "./store-delivery.ts";

export type Started =
  | { status: "queued"; jobId: string; runId: string }
  | { status: "already_queued" | "duplicate" | "ignored"; reason: string };

/** The gate's first step, from the payload alone, and the run if it says go. The second step follows after commit. */
export async function startRun(
  tx: Tx,
  deps: { newId: () => string },
  project: HookedProject,
  { payload, known }: { payload: IssuesPayload; known: Known },
): Promise<Started> {
  const { issue, sender } = payload;
  const labels = issue.labels.map(({ name }) => name);
  if (known.hasSameBody) return { status: "duplicate", reason: "the same body came before" };
  if (known.isIssueOver) return { status: "ignored", reason: "the issue was closed since" };
  if (known.hasActiveRun) return { status: "already_queued", reason: "run_active" };
  if (known.isStale) return { status: "ignored", reason: "not newer than the event that started the last run" };
  const answer = judgeEvent({
    hasTriggerLabel: hasLabel(labels, project.triggerLabel),
    isOpen: issue.state === "open",
    isPaused: project.isPaused,
    hasActiveRun: false,
    title: issue.title,
    body: issue.body,
    author: issue.user?.login,
  });
  if (!answer.go) return { status: "ignored", reason: answer.reason };
  const author = issue.user?.login ?? "";
  const made = await enqueueRun(tx, deps, {
    projectId: project.id,
    issue: {
      number: issue.number,
      title: issue.title,
      body: issue.body ?? "",
      labels,
      author,
      url: issue.html_url,
      updatedAt: issue.updated_at,
      hasFeedbackLabel: hasLabel(labels, botLabel),
    },
    source: "webhook",
    triggeredBy: author,
    askedBy: sender?.login,
    askedById: sender?.id,
    branchSuffix: randomBytes(6).toString("hex"),
  });
  return made ? { status: "queued", ...made } : { status: "already_queued", reason: "run_active" };
}
