import * as z from "zod";

/** One line of `feedback-chat check`. `error` = could not find out; `skipped` has its reason in `detail`. */
export const checkFinding = z.object({
  id: z.string(),
  status: z.enum(["pass", "warn", "fail", "skipped", "error"]),
  title: z.string(),
  detail: z.string(),
  next: z.string(),
  /** What shows that the check would have noticed a fault. */
  control: z.string().optional(),
  file: z.string().optional(),
  line: z.int().optional(),
});
export type CheckFinding = z.infer<typeof checkFinding>;

/** `feedback-chat check --sandbox`: which walls stand here, what holds each limit, and every try to get through. */
export const sandboxCheck = z.object({
  /** null when there are no walls at all. */
  sandbox: z
    .object({
      mechanism: z.string(),
      version: z.string(),
      runsAs: z.int(),
      limits: z.object({
        memory: z.string(),
        processes: z.string(),
        files: z.string(),
        disk: z.string(),
        processor: z.string(),
      }),
      layers: z.string(),
    })
    .nullable(),
  checks: z.array(checkFinding),
});
export type SandboxCheck = z.infer<typeof sandboxCheck>;

const projectFinding = z.object({ ok: z.boolean(), detail: z.string(), next: z.string().nullable() });
/** `GET /v1/projects/:id/check`: what a project still lacks on the server's side. */
export const projectCheck = z.object({
  webhook: projectFinding,
  labels: projectFinding,
  /** Whether runs can push: what is in the way of their branches, and which rules would refuse them. */
  branches: projectFinding,
  credentials: projectFinding,
  workers: projectFinding,
});
export type ProjectCheck = z.infer<typeof projectCheck>;
