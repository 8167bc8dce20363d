import type { Actor } from "@feedback-chat/protocol/actor";
import { meaningOf } from "../core/issue-event.ts";
import { noteDeployment } from "../follow/note-deployment.ts";
import { notePull } from "../follow/note-pull.ts";
import type { Tx } from "../platform/database.ts";
import type { HookedProject } from "./find-project.ts";
import { noteEdit, noteIssueEnd } from "./note-issue-change.ts";
import { deploymentStatusPayload, issuesPayload, pullPayload, readPayload } from "./payload.ts";
import { startRun } from "./start-run.ts";
import { type Delivery, noteOutcome, storeDelivery } from "./store-delivery.ts";

type Deps = { newId: () => string };

/** What came of it; `handled` starts no run, which GitHub is told as `ignored` with the reason. */
export type Outcome =
  | { status: "queued"; jobId: string; runId: string }
  | { status: "already_queued" | "duplicate" | "ignored" | "handled"; reason: string }
  | { status: "pong" };
export type Reading = { project: HookedProject; delivery: Delivery; raw: unknown; actor: Actor };

/** What each event that concerns us does, in the transaction that stores it. */
export const eventHandlers: Record<string, (tx: Tx, deps: Deps, reading: Reading) => Promise<Outcome>> = {
  async issues(tx, deps, { project, delivery, raw, actor }) {
    const payload = readPayload(issuesPayload, raw);
    const { issue, changes } = payload;
    const meaning = meaningOf(
      {
        action: payload.action,
        label: payload.label?.name ?? null,
        labels: issue.labels.map(({ name }) => name),
        isPull: issue.pull_request !== undefined && issue.pull_request !== null,
        hasTextChanged: changes?.title !== undefined || changes?.body !== undefined,
      },
      project.triggerLabel,
    );
    if (meaning.kind === "none") return ignore(tx, deps, { ...delivery, body: null }, meaning.reason);
    const named = { ...delivery, issue: { number: issue.number, updatedAt: issue.updated_at } };
    const known = await storeDelivery(tx, deps, named, meaning.kind === "may_start" ? "queued" : "handled");
    if (!known.isNew) return duplicate;
    if (known.cameOtherWay) return settle(tx, named, otherWay);
    const change = { projectId: project.id, payload, actor };
    const outcome =
      meaning.kind === "may_start"
        ? await startRun(tx, deps, project, { payload, known })
        : known.hasSameBody
          ? sameBody
          : done(
              meaning.kind === "edited"
                ? await noteEdit(tx, change)
                : await noteIssueEnd(tx, deps, { ...change, reason: meaning.reason }),
              "no run of the issue is open",
            );
    if (outcome.status !== "queued" && "reason" in outcome)
      await noteOutcome(tx, named, outcome.status, outcome.reason);
    return outcome;
  },

  async pull_request(tx, deps, { project, delivery, raw, actor }) {
    const { action, pull_request: pull } = readPayload(pullPayload, raw);
    const known = await storeDelivery(tx, deps, delivery, "handled");
    if (!known.isNew) return duplicate;
    if (known.cameOtherWay) return settle(tx, delivery, otherWay);
    const said =
      action === "closed" && pull.head.repo?.id === pull.base.repo.id
        ? await notePull(
            tx,
            {
              projectId: project.id,
              number: pull.number,
              branch: pull.head.ref,
              mergeSha: pull.merged ? (pull.merge_commit_sha ?? "") : null,
            },
            actor,
          )
        : null;
    return settle(tx, delivery, done(said, "not the end of a pull request of ours"));
  },

  async deployment_status(tx, deps, { project, delivery, raw, actor }) {
    const { deployment, deployment_status: status } = readPayload(deploymentStatusPayload, raw);
    const known = await storeDelivery(tx, deps, delivery, "handled");
    if (!known.isNew) return duplicate;
    if (known.cameOtherWay) return settle(tx, delivery, otherWay);
    const isProduction = deployment.production_environment ?? deployment.environment.toLowerCase() === "production";
    const said = await noteDeployment(
      tx,
      {
        projectId: project.id,
        sha: deployment.sha,
        ref: deployment.ref,
        state: status.state,
        isProduction,
        url: status.environment_url || status.target_url || null,
      },
      actor,
    );
    return settle(tx, delivery, done(said, "no run of ours was deployed"));
  },

  /** A new name, or who sees it: `takeDelivery` takes that over from every event. */
  async repository(tx, deps, { delivery }) {
    const known = await storeDelivery(tx, deps, { ...delivery, body: null }, "handled");
    return known.isNew ? { status: "handled", reason: "the repository is known as it is now" } : duplicate;
  },
};

const duplicate = { status: "duplicate", reason: "this delivery came before" } as const;
const otherWay = { status: "duplicate", reason: "the same event came by the other webhook" } as const;
const sameBody = { status: "duplicate", reason: "the same body came before" } as const;

function done(said: string | null, otherwise: string): Outcome {
  return said === null ? { status: "ignored", reason: otherwise } : { status: "handled", reason: said };
}

async function settle(tx: Tx, delivery: Delivery, outcome: Outcome): Promise<Outcome> {
  if ("reason" in outcome) await noteOutcome(tx, delivery, outcome.status, outcome.reason);
  return outcome;
}

/** Stored without its body, once. */
export async function ignore(tx: Tx, deps: Deps, delivery: Delivery, reason: string): Promise<Outcome> {
  const known = await storeDelivery(tx, deps, delivery, "ignored");
  if (!known.isNew) return duplicate;
  await noteOutcome(tx, delivery, "ignored", reason);
  return { status: "ignored", reason };
}
