import * as z from "zod";
import { webhookAnswer } from "./webhook.ts";

/** `GET /v1/projects/:id/github`: how the project reaches its repository, and where a person changes that. */
export const githubConnection = z.object({
  /** `app`: the instance's GitHub App; `token`: a token of its own; `none`: neither. */
  way: z.enum(["app", "token", "none"]),
  repository: z.string(),
  /** Of the App: `suspended` lasts until GitHub's settings lift it, `removed` until somebody connects again. */
  access: z.enum(["active", "suspended", "removed"]).nullable(),
  /** The instance's; null while it has none. */
  app: z.object({ slug: z.string(), url: z.string() }).nullable(),
  /** Pages for a browser that is logged in. */
  connectUrl: z.string(),
  makeAppUrl: z.string(),
});
export type GithubConnection = z.infer<typeof githubConnection>;

/** Answers of `POST /api/github/webhook`: one for each project that the delivery is of. */
export const appWebhookAnswer = z.object({
  status: z.enum(["taken", "ignored", "duplicate", "pong"]),
  reason: z.string().optional(),
  answers: z.array(webhookAnswer),
});
export type AppWebhookAnswer = z.infer<typeof appWebhookAnswer>;
