import * as z from "zod";
import { idSchema } from "./ids.ts";
import { pageOf } from "./run.ts";
import { stages, waitingForValues } from "./run-machine.ts";

/** What a project's endpoints hear of. */
export const endpointEvents = ["run.stage_changed", "run.waiting", "feedback.confirmed", "feedback.reopened"] as const;
export type EndpointEvent = (typeof endpointEvents)[number];

const events = z.array(z.enum(endpointEvents)).max(endpointEvents.length);
const url = z.string().trim().min(1).max(2_048);
const description = z.string().trim().max(200);

/** `POST /v1/projects/:id/endpoints`. No events: all of them. */
export const createEndpointRequest = z.strictObject({
  url,
  description: description.default(""),
  events: events.default([]),
});
export const patchEndpointRequest = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  events: events.optional(),
  isDisabled: z.boolean().optional(),
});

export const endpoint = z.object({
  id: idSchema("ep"),
  url: z.string(),
  description: z.string(),
  events,
  isDisabled: z.boolean(),
  /** Why it was disabled, when it was not by a person. */
  disabledReason: z.string().nullable(),
  /** Until then the secret before the last rotation signs too. */
  previousSecretUntil: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type Endpoint = z.infer<typeof endpoint>;
export const endpointPage = pageOf(endpoint);
/** `secret` verifies the messages, as `whsec_…`; it is shown this once. */
export const createEndpointAnswer = z.object({ endpoint, secret: z.string() });

/** `POST …/endpoints/:id/rotate`: so long both secrets sign. */
export const rotateEndpointRequest = z.strictObject({ graceHours: z.number().min(0).max(168).default(24) });

/** One message to one endpoint; its id is the header `webhook-id` of each try. */
export const endpointDelivery = z.object({
  id: idSchema("epd"),
  event: z.string(),
  status: z.enum(["pending", "delivered", "dead"]),
  attempts: z.int(),
  nextAttemptAt: z.iso.datetime().nullable(),
  lastStatus: z.int().nullable(),
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
});
export const endpointDeliveryPage = pageOf(endpointDelivery);

/** One message again, or, without a name, all that were given up. */
export const redeliverRequest = z.strictObject({ deliveryId: idSchema("epd").optional() });
export const redeliverAnswer = z.object({ queued: z.int() });

/** Body of a message about a run. `seq` orders those of one run: messages may come late. */
export const runMessage = z.object({
  type: z.enum(["run.stage_changed", "run.waiting"]),
  timestamp: z.iso.datetime(),
  data: z.object({
    runId: idSchema("run"),
    projectId: idSchema("prj"),
    seq: z.int(),
    issueNumber: z.int(),
    fromStage: z.enum(stages),
    stage: z.enum(stages),
    waitingFor: z.enum(waitingForValues).nullable(),
    reason: z.string().nullable(),
    prNumber: z.int().nullable(),
    prUrl: z.string().nullable(),
    previewUrl: z.string().nullable(),
  }),
});
