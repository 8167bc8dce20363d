import * as z from "zod";

/** One command of the project, run on the base commit and on the changed tree in a fresh sandbox. */
export const checkOutcome = z.enum(["passed", "failed", "timed_out", "not_run"]);
export const checkResult = z.object({
  name: z.string(),
  command: z.array(z.string()),
  base: z.object({ outcome: checkOutcome, durationMs: z.int(), outputTail: z.string() }).nullable(),
  head: z.object({ outcome: checkOutcome, durationMs: z.int(), outputTail: z.string() }),
});
export type CheckResult = z.infer<typeof checkResult>;

/** What stood out on a path: `refuse` ends the run, `hold` asks a person, `flag` is shown. */
export const verdict = z.object({
  level: z.enum(["refuse", "hold", "flag"]),
  code: z.string(),
  path: z.string(),
  line: z.int().nullable(),
  detail: z.string(),
});
export type Verdict = z.infer<typeof verdict>;

export const changedFile = z.object({
  path: z.string(),
  change: z.enum(["added", "modified", "deleted"]),
  addedLines: z.int(),
  removedLines: z.int(),
});
export type ChangedFile = z.infer<typeof changedFile>;

export const spend = z.object({
  costMicroUsd: z.int().nonnegative(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
});
export type Spend = z.infer<typeof spend>;

/** What came of one install script that the project's settings allow; "none": there was nothing to run. */
export const installScript = z.object({
  /** "." is the project itself. */
  package: z.string(),
  script: z.string(),
  outcome: z.enum(["ran", "failed", "none"]),
  detail: z.string(),
});
export type InstallScript = z.infer<typeof installScript>;

/** What was asked, done, checked, flagged and spent: shown on the pull request, in the API and the terminal. */
export const evidence = z.object({
  schemaVersion: z.literal(1),
  asked: z.object({
    issueNumber: z.int(),
    title: z.string(),
    hiddenRemoved: z.int(),
    /** sha256 of the words as the gate froze them: which of an issue's many versions was asked. */
    snapshotSha256: z.string().regex(/^[0-9a-f]{64}$/),
    wasCut: z.boolean(),
  }),
  done: z.object({
    summary: z.string(),
    isUnfinished: z.boolean(),
    /** What stopped the agent, such as `budget`, `time` or `agent_error`; null when it ended by itself. */
    unfinishedBecause: z.string().nullable().default(null),
    baseSha: z.string(),
    treeId: z.string(),
    files: z.array(changedFile),
    ignoredFiles: z.int(),
  }),
  checked: z.object({
    checks: z.array(checkResult),
    isBuilt: z.boolean(),
    note: z.string().nullable(),
    installScripts: z.array(installScript).default([]),
  }),
  flagged: z.array(verdict),
  spent: spend.extend({ agentMs: z.int(), totalMs: z.int() }),
});
export type Evidence = z.infer<typeof evidence>;

/** In one word: all green on the changed tree, something red, or nothing to run. */
export function checksOutcome(checks: CheckResult[]): "green" | "red" | "none" {
  if (checks.length === 0) return "none";
  return checks.every((check) => check.head.outcome === "passed") ? "green" : "red";
}
