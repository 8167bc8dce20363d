import * as z from "zod";

/** All that the publisher process gets. Crosses a process border, on stdin, because it holds the write token. */
export const publishPlan = z.strictObject({
  runId: z.string().regex(/^run_[0-9a-z]+$/),
  issueNumber: z.int().positive(),
  repository: z.object({
    id: z.int(),
    fullName: z.string(),
    cloneUrl: z.string(),
    apiUrl: z.string(),
  }),
  /** The run's GIT_DIR, which has base commit and tree. There is no work tree. */
  gitDir: z.string(),
  baseRef: z.string(),
  baseSha: z.string(),
  treeId: z.string(),
  branch: z.string(),
  /** The run's own from before, whatever people have made of its words since. */
  prNumber: z.int().nullable().default(null),
  title: z.string(),
  body: z.string(),
  isDraft: z.boolean(),
  token: z.string().nullable(),
  /** Values that must not leave. */
  secrets: z.array(z.object({ name: z.string(), value: z.string() })),
  protocols: z.array(z.enum(["http", "https", "file"])).default(["http", "https"]),
  /** Of the machine that publishes. */
  network: z
    .object({
      httpProxies: z.object({ httpProxy: z.string(), httpsProxy: z.string(), noProxy: z.string() }),
      gitCertificatesFile: z.string().nullable(),
      ownCertificatesFile: z.string().nullable(),
    })
    .optional(),
  /** How long to wait before each further look when GitHub does not answer: 5 within 15 minutes. */
  lookAgainSeconds: z.array(z.number().nonnegative()).default([5, 20, 60, 180, 300]),
});
export type PublishPlan = z.infer<typeof publishPlan>;
export type PublishRequest = z.input<typeof publishPlan>;

export const publishSteps = ["looked", "committed", "pushed", "pull_created", "pull_adopted"] as const;
export type PublishStep = (typeof publishSteps)[number];

export const published = z.object({
  prNumber: z.int(),
  prUrl: z.string(),
  headSha: z.string(),
  branch: z.string(),
  isDraft: z.boolean(),
});
export type Published = z.infer<typeof published>;

/**
 * One line each on the publisher's stdout; the last is `done` or `problem`. `ask` comes before each write to GitHub:
 * the publisher waits for a line on stdin, whatever it holds, and writes nothing when none comes.
 */
export const publisherLine = z.discriminatedUnion("type", [
  z.object({ type: z.literal("step"), step: z.enum(publishSteps) }),
  z.object({ type: z.literal("ask") }),
  z.object({ type: z.literal("done"), published }),
  z.object({
    type: z.literal("problem"),
    code: z.string(),
    detail: z.string(),
    next: z.string(),
    facts: z.record(z.string(), z.unknown()),
  }),
]);
export type PublisherLine = z.infer<typeof publisherLine>;
