import { type Result, resultOf, results, type Stage, stages } from "@feedback-chat/protocol/run-machine";
import { type RawBuilder, sql } from "kysely";
import * as z from "zod";

/** What lists and streams of runs can be narrowed by. */
export const runFilters = z.object({
  stage: z.enum(stages).optional(),
  result: z.enum(results).optional(),
  triggeredBy: z.string().max(200).optional(),
  issue: z.coerce.number().int().positive().max(2_147_483_647).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  /** In the issue's title. */
  q: z.string().max(200).optional(),
});
export type RunFilters = z.output<typeof runFilters>;

/** Conditions on a run `r` and its issue `i`; where it stands is left to the caller. */
export function isOfRun({ triggeredBy, issue, since, q }: RunFilters): RawBuilder<unknown>[] {
  const like = q === undefined ? null : `%${q.replace(/[\\%_]/g, "\\$&")}%`;
  return [
    ...(triggeredBy === undefined ? [] : [sql`r.triggered_by = ${triggeredBy}`]),
    ...(issue === undefined ? [] : [sql`r.github_issue_number = ${issue}`]),
    ...(since === undefined ? [] : [sql`r.started_at >= ${since}::timestamptz`]),
    ...(like === null ? [] : [sql`i.title ilike ${like}`]),
  ];
}

/** The stages that an event may lead to, to be of that stage and result. */
export function stagesOf({ stage, result }: { stage?: Stage | undefined; result?: Result | undefined }): Stage[] {
  return stages.filter((one) => (stage ?? one) === one && (result === undefined || resultOf(one) === result));
}
