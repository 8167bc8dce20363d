import * as z from "zod";
import { idSchema } from "./ids.ts";
import { pageOf } from "./run.ts";
import { stages } from "./run-machine.ts";

export const channels = ["widget", "embed", "telegram", "whatsapp", "email", "api"] as const;
const issueNumber = z.int().positive().max(2_147_483_647);
const words = z.string().trim().min(1).max(2_000);

export const talkRoles = ["reporter", "assistant", "member"] as const;
/** One thing that was said. Times before 1970 are a clock that nobody set. */
const message = z.strictObject({
  role: z.enum(talkRoles),
  text: z.string().min(1).max(4_000),
  at: z.iso.datetime().refine((at) => at >= "1970", "is before 1970"),
});
/** The talk behind a report, whole, by the id that it has there. It is kept only where the project keeps talks. */
export const talk = z.strictObject({
  clientId: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(200),
});

/** `POST /v1/projects/:id/feedback`. The same `clientId` again changes the report that it made. */
export const feedbackRequest = z.strictObject({
  clientId: z.string().min(1).max(200),
  channel: z.enum(channels).default("api"),
  publicText: z.string().trim().min(1).max(20_000),
  privateText: z.string().max(20_000).optional(),
  /** The issue that was made of it. */
  issueNumber: issueNumber.optional(),
  /** Whoever said it, by the id that they have there; the address to hear back. */
  reporter: z
    .strictObject({ id: z.string().min(1).max(200).optional(), email: z.email().max(254).optional() })
    .optional(),
  conversation: talk.optional(),
});
export const feedbackAnswer = z.object({
  feedbackId: idSchema("fb"),
  /** Opens the reporter's page: `/r/<feedbackId>#<token>`. */
  reporterToken: z.string(),
  /** An earlier report of the same problem: make no issue of this one. */
  joinedTo: idSchema("fb").nullable(),
  issueNumber: z.int().nullable(),
  /** What became of the talk that came with it: the project's setting `storeTalks` decides. Null: none came. */
  conversation: z.enum(["stored", "dropped"]).nullable().default(null),
});

export const feedbackItem = z.object({
  id: idSchema("fb"),
  channel: z.enum(channels),
  publicText: z.string(),
  issueNumber: z.int().nullable(),
  joinedTo: idSchema("fb").nullable(),
  isReporterBlocked: z.boolean(),
  confirmedAt: z.iso.datetime().nullable(),
  reopenedCount: z.int(),
  createdAt: z.iso.datetime(),
});
export const feedbackPage = pageOf(feedbackItem);

/** `POST …/feedback/:id/join`: both say the same. */
export const joinRequest = z.strictObject({ to: idSchema("fb") });
/** `POST …/feedback/:id/split`: it is something else, with an issue of its own if one is named. */
export const splitRequest = z.strictObject({ issueNumber: issueNumber.optional() });

/** What a reporter sees of the own report: no log, no cost, nobody's address. */
export const report = z.object({
  feedbackId: idSchema("fb"),
  text: z.string(),
  createdAt: z.iso.datetime(),
  stage: z.enum(stages).nullable(),
  /** The stage in a sentence. */
  says: z.string(),
  previewUrl: z.string().nullable(),
  question: z.string().nullable(),
  canConfirm: z.boolean(),
  canReopen: z.boolean(),
  confirmedAt: z.iso.datetime().nullable(),
});
export type Report = z.infer<typeof report>;
export const reportWordsRequest = z.strictObject({ comment: words });

/** `GET …/feedback/:id/reporter`: all that is kept of whoever wrote that report. */
export const reporterData = z.object({
  reports: z.array(
    z.object({
      feedbackId: idSchema("fb"),
      channel: z.enum(channels),
      publicText: z.string(),
      privateText: z.string().nullable(),
      email: z.string().nullable(),
      issueUrl: z.string().nullable(),
      createdAt: z.iso.datetime(),
      /** What they answered or wanted changed. */
      said: z.array(z.object({ action: z.string(), comment: z.string().nullable(), at: z.iso.datetime() })),
      /** The talk behind it, where the project keeps talks. */
      talk: z.array(z.object({ role: z.enum(talkRoles), text: z.string(), at: z.iso.datetime() })).default([]),
    }),
  ),
});
