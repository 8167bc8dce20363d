import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { spend } from "@feedback-chat/protocol/evidence";
import { idSchema } from "@feedback-chat/protocol/ids";
import { leasedJob } from "@feedback-chat/protocol/job";
import { Problem } from "@feedback-chat/protocol/problem";
import { phases, runEvents, stages, waitingForValues } from "@feedback-chat/protocol/run-machine";
import { outcome, waitRequest, failRequest } from "@feedback-chat/protocol/worker";
import * as z from "zod";
import { ignoring } from "../platform/ignoring.ts";
import { writeDurably } from "../platform/write-durably.ts";

/** `ask`: held until the person at the terminal says yes. `hold`: held. `auto`: held only by verdicts and red checks. */
export const localPublish = z.enum(["ask", "hold", "auto"]);
export type LocalPublish = z.infer<typeof localPublish>;

/** A run without a control plane: `runs/<runId>/state.json`, beside its artifacts and its log. No secret in it. */
export const localState = z.object({
  schemaVersion: z.literal(1),
  runId: idSchema("run"),
  jobId: idSchema("job"),
  job: leasedJob,
  publish: localPublish,
  /** How often it was started: the first time and every resumption. */
  attempt: z.int().positive(),
  startedAt: z.iso.datetime(),
  stage: z.enum(stages),
  phase: z.enum(phases).nullable(),
  waitingFor: z.enum(waitingForValues).nullable(),
  reason: z.string().nullable(),
  reasonText: z.string().nullable(),
  events: z.array(
    z.object({
      at: z.iso.datetime(),
      event: z.enum(runEvents),
      phase: z.enum(phases).nullable(),
      detail: z.string().nullable(),
    }),
  ),
  /** Given for exactly this tree; a person's name when one approved it. */
  approval: z.object({ treeId: z.string(), by: z.string() }).nullable(),
  permit: z.object({ treeId: z.string(), approvedBy: z.string().nullable() }).nullable(),
  /** Null while an attempt is under way, or was when the machine stopped. */
  ending: z
    .discriminatedUnion("kind", [
      z.object({ kind: z.literal("complete"), outcome }),
      z.object({ kind: z.literal("wait"), request: waitRequest }),
      z.object({ kind: z.literal("fail"), request: failRequest }),
    ])
    .nullable(),
  spent: spend,
});
export type LocalState = z.infer<typeof localState>;

/** @throws Problem not_found when this machine has no such run. */
export async function readLocalState(runFolder: string, runId: string): Promise<LocalState> {
  const text = await readFile(stateFile(runFolder), "utf8").catch(ignoring("ENOENT"));
  if (text === undefined) {
    throw new Problem("not_found", `This machine has no run ${runId}.`, {
      next: "Look at the runs with `feedback-chat run --help`, or start a new one.",
    });
  }
  return localState.parse(JSON.parse(text));
}

export async function writeLocalState(runFolder: string, state: LocalState): Promise<void> {
  await writeDurably(stateFile(runFolder), `${JSON.stringify(state, null, 1)}\n`);
}

function stateFile(runFolder: string): string {
  return join(runFolder, "state.json");
}
