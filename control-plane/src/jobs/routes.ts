import { job } from "@feedback-chat/protocol/job";
import { artifactInfo } from "@feedback-chat/protocol/run";
import {
  artifactNames, claimAnswer, claimRequest, completeRequest, credentialsAnswer, credentialsRequest, ended,
  eventAnswer, eventRequest, failRequest, logsAnswer, logsRequest, maxArtifactBytes, permitAnswer, permitRequest, renewAnswer,
  renewRequest, waitRequest,
} from "@feedback-chat/protocol/worker"; // prettier-ignore
import { uuidOf } from "@feedback-chat/protocol/ids";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject } from "../platform/as-tenant.ts";
import { actorOf, projectOf, workerOf } from "../platform/caller.ts";
import { readBytes } from "../platform/mount-routes.ts";
import { route, type RouteInput } from "../platform/route.ts";
import { appendLogs } from "./append-logs.ts";
import { cancelJob } from "./cancel-job.ts";
import { claimJob } from "./claim-job.ts";
import { endAttempt } from "./end-attempt.ts";
import { fetchArtifact } from "./fetch-artifact.ts";
import { leaseLost } from "./lease-fence.ts";
import { permitPublish } from "./permit-publish.ts";
import { readJob } from "./read-job.ts";
import { recordWorkerEvent } from "./record-worker-event.ts";
import { releaseCredential } from "./release-credential.ts";
import { renewLease } from "./renew-lease.ts";
import { storeArtifact } from "./store-artifact.ts";

const of = { jobId: "job" } as const;
const named = z.object({ jobId: z.string(), name: z.enum(artifactNames) });
const endings = ["lease_lost", "already_final", "invalid_transition"] as const;

/** The platform gives every `who: "lease"` route its lease. */
function held({ lease }: Pick<RouteInput<AppDeps, undefined, undefined, undefined>, "lease">) {
  if (!lease) throw leaseLost();
  return lease;
}

export const routes = [
  route<AppDeps>()({
    method: "get", path: "/api/jobs/:jobId", who: "viewer", of, answer: job,
    handle: ({ deps, tenant, ids }) => asProject(deps.db, projectOf(tenant), (tx) => readJob(tx, ids["jobId"] ?? "")),
  }),
  route<AppDeps>()({
    method: "delete", path: "/api/jobs/:jobId", who: "member", of, answer: job, status: 202, problems: ["invalid_transition"],
    handle: ({ deps, tenant, ids, caller }) =>
      cancelJob(deps, {
        projectId: projectOf(tenant), workspaceId: tenant?.workspaceId ?? "", jobId: ids["jobId"] ?? "", actor: actorOf(caller),
      }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/claim", who: "worker", body: claimRequest, answer: claimAnswer, problems: ["upgrade_required"],
    handle: ({ deps, caller, body, signal }) =>
      claimJob(deps, { ...workerOf(caller), workerId: uuidOf("wrk", body.workerId), claimId: body.claimId, waitSeconds: body.waitS }, signal),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/renew", who: "lease", of, body: renewRequest, answer: renewAnswer, problems: ["lease_lost"],
    handle: (input) => renewLease(input.deps, held(input), { waitSeconds: input.body.waitS, signal: input.signal }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/events", who: "lease", of, body: eventRequest, answer: eventAnswer, problems: ["lease_lost", "invalid_transition"],
    handle: (input) => recordWorkerEvent(input.deps, held(input), { ...input.body, keyId: workerOf(input.caller).keyId }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/logs", who: "lease", of, body: logsRequest, answer: logsAnswer, problems: ["lease_lost", "log_gap", "payload_too_large"],
    handle: (input) => appendLogs(input.deps, held(input), input.body),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/permit", who: "lease", of, body: permitRequest, answer: permitAnswer, problems: ["lease_lost", "not_permitted"],
    handle: (input) => permitPublish(input.deps, held(input), input.body),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/credentials", who: "lease", of, body: credentialsRequest, answer: credentialsAnswer, problems: ["lease_lost", "not_permitted", "vault_shut", "credential_unreadable"],
    handle: async (input) => ({
      sealed: await releaseCredential(input.deps, held(input), { ...input.body, ...workerOf(input.caller) }),
    }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/wait", who: "lease", of, body: waitRequest, answer: ended, problems: endings,
    handle: (input) => endAttempt(input.deps, held(input), { verb: "wait", body: input.body }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/complete", who: "lease", of, body: completeRequest, answer: ended, problems: [...endings, "not_permitted"],
    handle: (input) => endAttempt(input.deps, held(input), { verb: "complete", outcome: input.body.outcome }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/fail", who: "lease", of, body: failRequest, answer: ended, problems: endings,
    handle: (input) => endAttempt(input.deps, held(input), { verb: "fail", body: input.body }),
  }),
  route<AppDeps>()({
    method: "post", path: "/v1/jobs/:jobId/release", who: "lease", of, answer: ended, problems: endings,
    handle: (input) => endAttempt(input.deps, held(input), { verb: "release" }),
  }),
  route<AppDeps>()({
    method: "put", path: "/v1/jobs/:jobId/artifacts/:name", who: "lease", of, params: named, answer: artifactInfo, problems: ["lease_lost", "payload_too_large"],
    handle: async (input) =>
      storeArtifact(input.deps, held(input), { name: input.params.name, content: await readBytes(input.c, maxArtifactBytes) }),
  }),
  route<AppDeps>()({
    method: "get", path: "/v1/jobs/:jobId/artifacts/:name", who: "lease", of, params: named, problems: ["lease_lost"],
    handle: async (input) =>
      new Response(new Uint8Array(await fetchArtifact(input.deps, held(input), input.params.name)), { headers: { "content-type": "application/octet-stream" } }),
  }),
]; // prettier-ignore
