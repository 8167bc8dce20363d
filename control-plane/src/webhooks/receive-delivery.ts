import { createHash } from "node:crypto";
import type { Actor } from "@feedback-chat/protocol/actor";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { meaningOf } from "../core/issue-event.ts";
import { noteDeployment } from "../follow/note-deployment.ts";
import { notePull } from "../follow/note-pull.ts";
import { asProject } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { webhookSecretsOf } from "../projects/webhook-secrets.ts";
import { findProject, type HookedProject, isOfProject, noteRepository } from "./find-project.ts";
import { noteEdit, noteIssueEnd } from "./note-issue-change.ts";
import {
  decodeBody,
  deploymentStatusPayload,
  type Envelope,
  envelope,
  issuesPayload,
  pullPayload,
  readPayload,
} from "./payload.ts";
import { startRun } from "./start-run.ts";
import { type Delivery, noteOutcome, storeDelivery } from "./store-delivery.ts";
import { isSignedBy } from "./verify-signature.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId">;
type Incoming = {
  /** Null when the address names nothing that could be a project. */
  projectId: string | null;
  bytes: Buffer;
  header(name: string): string | undefined;
};
/** What came of it; `handled` starts no run, which GitHub is told as `ignored` with the reason. */
type Outcome =
  | { status: "queued"; jobId: string; runId: string }
  | { status: "already_queued" | "duplicate" | "ignored" | "handled"; reason: string }
  | { status: "pong" };
type Reading = { project: HookedProject; delivery: Delivery; raw: unknown; actor: Actor };

/**
 * Takes one delivery of GitHub: proves it by its signature, stores it once, and does what it means, all in one
 * transaction. Answer only after it: GitHub never sends again by itself.
 * @throws Problem bad_signature (an unknown project gives the same), bad_payload
 */
export async function receiveDelivery(deps: Deps, incoming: Incoming): Promise<WebhookAnswer> {
  const { projectId, bytes, header } = incoming;
  const signature = header("x-hub-signature-256");
  if (projectId === null) {
    isSignedBy([], bytes, signature);
    throw badSignature();
  }
  const outcome = await asProject(deps.db, projectId, async (tx) => {
    const project = await findProject(tx, projectId);
    const secrets = project ? webhookSecretsOf(deps, project) : [];
    if (!isSignedBy(secrets, bytes, signature) || !project) throw badSignature();
    return take(tx, deps, project, incoming);
  });
  if (outcome.status === "queued")
    return {
      status: "queued",
      jobId: idOf("job", outcome.jobId),
      runId: idOf("run", outcome.runId),
    };
  if (outcome.status === "pong") return outcome;
  const { status, reason } = outcome;
  return { status: status === "handled" ? "ignored" : status, reason };
}

async function take(
  tx: Tx,
  deps: Deps,
  project: HookedProject,
  { bytes, header }: Incoming,
): Promise<Outcome> {
  const guid = header("x-github-delivery") ?? "";
  const event = header("x-github-event") ?? "";
  if (!/^[\w-]{1,100}$/.test(guid) || !/^\w{1,60}$/.test(event))
    throw new Problem("bad_payload", "X-GitHub-Delivery or X-GitHub-Event is missing.");
  const raw = decodeBody(bytes, header("content-type") ?? "");
  const shared = readPayload(envelope, raw);
  const delivery: Delivery = {
    projectId: project.id,
    guid,
    event,
    action: shared.action ?? null,
    bodySha256: createHash("sha256").update(bytes).digest(),
    issue: null,
    body: null,
  };
  const login = shared.sender?.login;
  const actor: Actor = { kind: "github", id: null, ...(login ? { login } : {}) };
  const handle = handlers[event];
  if (event === "ping") return pong(tx, deps, delivery);
  const why = handle ? notOurs(project, shared) : `the event ${event} starts nothing`;
  if (!handle || why) return ignore(tx, deps, delivery, why ?? "");
  if (shared.repository) await noteRepository(tx, project, shared.repository);
  return handle(tx, deps, { project, delivery: { ...delivery, body: bytes }, raw, actor });
}

const handlers: Record<string, (tx: Tx, deps: Deps, reading: Reading) => Promise<Outcome>> = {
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
    if (meaning.kind === "none")
      return ignore(tx, deps, { ...delivery, body: null }, meaning.reason);
    const named = { ...delivery, issue: { number: issue.number, updatedAt: issue.updated_at } };
    const known = await storeDelivery(
      tx,
      deps,
      named,
      meaning.kind === "may_start" ? "queued" : "handled",
    );
    if (!known.isNew) return duplicate;
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
    const isProduction =
      deployment.production_environment ?? deployment.environment.toLowerCase() === "production";
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
};

const duplicate = { status: "duplicate", reason: "this delivery came before" } as const;
const sameBody = { status: "duplicate", reason: "the same body came before" } as const;

function done(said: string | null, otherwise: string): Outcome {
  return said === null
    ? { status: "ignored", reason: otherwise }
    : { status: "handled", reason: said };
}

async function settle(tx: Tx, delivery: Delivery, outcome: Outcome): Promise<Outcome> {
  if ("reason" in outcome) await noteOutcome(tx, delivery, outcome.status, outcome.reason);
  return outcome;
}

async function ignore(tx: Tx, deps: Deps, delivery: Delivery, reason: string): Promise<Outcome> {
  const known = await storeDelivery(tx, deps, delivery, "ignored");
  if (!known.isNew) return duplicate;
  await noteOutcome(tx, delivery, "ignored", reason);
  return { status: "ignored", reason };
}

async function pong(tx: Tx, deps: Deps, delivery: Delivery): Promise<Outcome> {
  await storeDelivery(tx, deps, delivery, "pong");
  await sql`update fc.projects set webhook_verified_at = now() where id = ${delivery.projectId}`.execute(
    tx,
  );
  return { status: "pong" };
}

function notOurs(project: HookedProject, { repository }: Envelope): string | null {
  if (!repository) return "it names no repository";
  return isOfProject(project, repository) ? null : "it is of another repository";
}

function badSignature(): Problem {
  return new Problem(
    "bad_signature",
    "The request is not signed with this project's webhook secret.",
  );
}
