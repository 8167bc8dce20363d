import { Problem } from "@feedback-chat/protocol/problem";
import type { Run } from "@feedback-chat/protocol/run";
import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { type RunRow, selectRuns, toRun } from "./to-run.ts";

/** @throws Problem not_found */
export async function readRunRow(tx: Tx, runId: string): Promise<RunRow> {
  const { rows } = await sql<RunRow>`${selectRuns} where r.id = ${runId}`.execute(tx);
  const [row] = rows;
  if (!row) throw new Problem("not_found", "There is no such run.");
  return row;
}

/** The run as the API shows it, in the caller's transaction. */
export async function readRun(tx: Tx, runId: string): Promise<Run> {
  return toRun(await readRunRow(tx, runId));
}
