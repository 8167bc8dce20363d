import { Problem } from "@feedback-chat/protocol/problem";
import * as z from "zod";

/** GitHub passes on what people type; Postgres stores neither NUL nor half a surrogate pair. */
const text = z.string().transform((value) => value.replaceAll("\0", "").toWellFormed());
const time = z.iso.datetime({ offset: true });
const person = z.object({ login: text, id: z.int().optional() });

const repository = z.object({
  id: z.int(),
  full_name: text,
  private: z.boolean().optional(),
});

/** What every event carries; the rest is looked at by the event that needs it. */
export const envelope = z.object({
  action: z.string().max(100).optional(),
  repository: repository.optional(),
  sender: person.optional(),
});
export type Envelope = z.infer<typeof envelope>;

export const issuesPayload = z.object({
  action: z.string(),
  issue: z.object({
    number: z.int().positive(),
    title: text,
    body: text.nullable().optional(),
    html_url: text,
    user: person.nullable().optional(),
    labels: z.array(z.object({ name: text })).default([]),
    state: z.string().default("open"),
    updated_at: time,
    pull_request: z.unknown().optional(),
  }),
  label: z.object({ name: text }).optional(),
  changes: z.looseObject({ title: z.unknown().optional(), body: z.unknown().optional() }).optional(),
  sender: person.optional(),
});
export type IssuesPayload = z.infer<typeof issuesPayload>;

export const pullPayload = z.object({
  action: z.string(),
  pull_request: z.object({
    number: z.int().positive(),
    html_url: text,
    state: z.string(),
    merged: z.boolean().nullable().optional(),
    merge_commit_sha: z.string().nullable().optional(),
    head: z.object({ ref: text, sha: z.string(), repo: z.object({ id: z.int() }).nullable() }),
    base: z.object({ repo: z.object({ id: z.int() }) }),
  }),
  sender: person.optional(),
});

export const deploymentStatusPayload = z.object({
  deployment_status: z.object({
    state: z.string(),
    environment_url: text.nullable().optional(),
    target_url: text.nullable().optional(),
  }),
  deployment: z.object({
    sha: z.string(),
    ref: text,
    environment: text,
    production_environment: z.boolean().optional(),
  }),
});

/** @throws Problem bad_payload */
export function readPayload<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Problem("bad_payload", `The event is not what GitHub sends: ${issue?.path.join(".")}: ${issue?.message}`);
}

/**
 * The JSON of a delivery, which GitHub sends as it is or as the form field `payload`.
 * @throws Problem bad_payload
 */
export function decodeBody(bytes: Uint8Array, contentType: string): unknown {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const json = /^application\/x-www-form-urlencoded\b/i.test(contentType)
      ? new URLSearchParams(decoded).get("payload")
      : decoded;
    return JSON.parse(json ?? "") as unknown;
  } catch (error) {
    throw new Problem("bad_payload", "The body is neither JSON nor a form with a `payload`.", {
      cause: error,
    });
  }
}
