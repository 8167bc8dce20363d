import { type RawBuilder, sql } from "kysely";

/** Whoever wrote that report, by their name in the project; one who gave none is that report alone. */
export const reportsOf = (projectId: string, feedbackId: string): RawBuilder<unknown> => sql`
  select mine.id from fc.feedback named join fc.feedback mine on mine.project_id = named.project_id
    and (mine.id = named.id or mine.reporter_hash = named.reporter_hash)
  where named.id = ${feedbackId} and named.project_id = ${projectId}`;
