import { randomUUID } from "node:crypto";
import { systemActor } from "@feedback-chat/protocol/actor";
import type { Lease, PermitRequest } from "@feedback-chat/protocol/worker";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { asProject } from "../../src/platform/as-tenant.ts";
import { seedKey, seedRun } from "./seed.ts";
import { openTestWorker, type TestWorker } from "./test-worker.ts";
import type { WebhookScene } from "./webhook-scene.ts";

export const standings = [
  "queued", "asking the reporter", "running", "validating", "held", "preview_ready", "deployed", "failed", "rejected",
] as const; // prettier-ignore
export type Standing = (typeof standings)[number];

export const permit: PermitRequest = {
  treeId: "a".repeat(40), baseSha: "b".repeat(40), hasHoldVerdict: false, hasFlag: false, checks: "green", isUnfinished: false,
}; // prettier-ignore

export type StandingRun = {
  runId: string;
  jobId: string;
  issueNumber: number;
  worker: TestWorker;
  lease: Lease | null;
};

/** A run that a worker and people brought to this standing, by the protocol. The project has no other run. */
export async function runIn(
  scene: WebhookScene,
  standing: Standing,
  issue: { issueNumber?: number; prNumber?: number } = {},
): Promise<StandingRun> {
  const { db, workspaceId, projectId } = scene;
  const { key } = await seedKey(db, { kind: "worker", workspaceId });
  const worker = await openTestWorker(scene.app, key);
  const { issueNumber, prNumber = 12 } = issue;
  const made = await seedRun(db, { projectId, ...(issueNumber ? { issueNumber } : {}) });
  const run = { ...made, worker, lease: null };
  if (standing === "queued") return run;
  if (standing === "rejected") {
    await scene.act(made.runId, { action: "reject" });
    return run;
  }
  const { lease } = await worker.claim();
  if (!lease) throw new Error("Nothing was claimed.");
  const say = async (rest: string, body: object) => {
    const answer = await worker.say(lease, rest, body);
    if (answer.status !== 200) throw new Error(`${rest}: ${JSON.stringify(answer.body)}`);
  };
  if (standing === "running") return { ...run, lease };
  if (standing === "failed") {
    await say("fail", { code: "clone", reason: "No route.", retryable: false });
    return run;
  }
  if (standing === "asking the reporter") {
    await say("wait", { for: "reporter", question: "Which total?", resumeAt: "agent" });
    return run;
  }
  await say("events", { eventId: randomUUID(), event: "collected" });
  if (standing === "validating") return { ...run, lease };
  await worker.say(lease, "permit", permit);
  if (standing === "held") {
    await say("wait", {
      for: "approval",
      reason: "The words came from the public.",
      resumeAt: "publish",
    });
    return run;
  }
  await publish(scene, { worker, lease, runId: made.runId, prNumber });
  if (standing === "deployed")
    await asProject(db, projectId, async (tx) => {
      await lockJob(tx, made.runId);
      await advanceRun(tx, made.runId, { event: "deployed", actor: systemActor, attempt: 1 });
    });
  return run;
}

type Published = { worker: TestWorker; lease: Lease; runId: string; prNumber: number };

/** Held, approved, claimed again, published. */
async function publish(scene: WebhookScene, { worker, lease, runId, prNumber }: Published) {
  await worker.say(lease, "wait", { for: "approval", resumeAt: "publish" });
  await scene.act(runId, { action: "approve" });
  const again = (await worker.claim()).lease;
  if (!again) throw new Error("The approved run was not claimed.");
  await worker.say(again, "permit", permit);
  const outcome = {
    kind: "published", prNumber, prUrl: `https://github.com/acme/shop/pull/${prNumber}`, headSha: "c".repeat(40), isDraft: true,
  }; // prettier-ignore
  const { status, body } = await worker.say(again, "complete", { outcome });
  if (status !== 200) throw new Error(JSON.stringify(body));
}
