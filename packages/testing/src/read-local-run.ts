import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Evidence, evidence } from "@feedback-chat/protocol/evidence";
import * as z from "zod";
import type { Program } from "./start-program.ts";

/** What the command line says last, as far as tests read it. */
const runResult = z.looseObject({
  runId: z.string(),
  stage: z.string(),
  waitingFor: z.string().nullable(),
  reason: z.string().nullable(),
  reasonText: z.string().nullable(),
  branch: z.string(),
  prUrl: z.string().nullable(),
  costMicroUsd: z.number(),
});

export type LocalRun = {
  code: number | null;
  /** The last line, `run.result`; null when there was none: it was killed, or refused. */
  result: z.infer<typeof runResult> | null;
  events: Record<string, unknown>[];
  /** What the agent and the phases said, one line each. */
  lines: string[];
  /** stdout and stderr. */
  said: string;
  evidence: Evidence | null;
  diff: string;
  /** State, log and artifacts on this machine. */
  runFolder: string;
};

/** Waits for `feedback-chat run --json` to end, and reads what it said and left below `runsFolder`. */
export async function readLocalRun(program: Program, runsFolder: string): Promise<LocalRun> {
  const { code } = await program.exited;
  const result = runResult.nullable().parse(program.events.findLast(({ type }) => type === "run.result") ?? null);
  const runFolder = join(runsFolder, result?.runId ?? newest(runsFolder));
  const judged = readArtifact(runFolder, "evidence.json");
  const lines = program.events.filter(({ type }) => type === "run.log").map((event) => String(event["message"]));
  return {
    code, result, events: program.events, lines, said: program.said(), runFolder,
    diff: readArtifact(runFolder, "diff.patch") ?? "",
    evidence: judged === null ? null : evidence.parse(JSON.parse(judged)),
  }; // prettier-ignore
}

function readArtifact(runFolder: string, name: string): string | null {
  const path = join(runFolder, "artifacts", name);
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

function newest(folder: string): string {
  return existsSync(folder) ? (readdirSync(folder).sort().at(-1) ?? "none") : "none";
}
