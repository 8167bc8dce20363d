import type { Figures } from "@feedback-chat/protocol/figures";
import { runSettings } from "@feedback-chat/protocol/job";
import { type RawBuilder, sql } from "kysely";
import { type Deadline, deadlines } from "../core/deadlines.ts";
import type { Ending } from "../core/decide-ending.ts";
import type { Tx } from "../platform/database.ts";
import { claimableSince, hasRoom } from "./claimable.ts";

/** A kind of job that stands too long: which (aliases j, r, p), and what becomes of it. */
export type DueKind = { which: RawBuilder<boolean>; ending: Ending };

/** Asked to stop, and its worker did not say that it has: it is fenced, whatever it does. */
export function deafKinds(figures: Figures): DueKind[] {
  const which = sql<boolean>`(j.status = 'processing' and j.cancel_requested_at < now() - make_interval(secs => ${figures.cancelGraceSeconds}))`;
  return [{ which, ending: { verb: "lose_lease" } }];
}

export function overdueKinds(figures: Figures): DueKind[] {
  const isExpired = sql<boolean>`(j.status = 'processing' and j.lease_expires_at < now())`;
  return [
    { which: isExpired, ending: { verb: "lose_lease" } },
    ...deadlines.map((deadline): DueKind => ({
      which: isOverdue(deadline, figures),
      ending: { verb: "overdue", deadline },
    })),
  ];
}

function isOverdue(deadline: Deadline, figures: Figures): RawBuilder<boolean> {
  const { stages, waitingFor, isLeased, seconds } = deadline;
  const waits = {
    nobody: sql`r.waiting_for is null`,
    // Without room it waits for its turn or for a person. What waited for GitHub and is due again waits for a worker
    // too; at the gate such a job is parked for ever.
    worker: sql`(coalesce(r.waiting_for, 'worker') = 'worker' or (r.waiting_for = 'github' and j.run_at <= now()))
      and ${hasRoom} and ${claimableSince} < now() - make_interval(secs => ${seconds(figures)})`,
  };
  const isWaiting =
    waitingFor === "nobody" || waitingFor === "worker" ? waits[waitingFor] : sql`r.waiting_for = ${waitingFor}`;
  const budget = deadline.isBesideBudget ? budgetSeconds : sql`0`;
  return sql`(r.result is null and r.standing_since < now() - make_interval(secs => ${seconds(figures)})
    and r.standing_since < now() - make_interval(secs => ${seconds(figures)}::float8 + ${budget})
    and r.stage = any(${stages}::text[]) and j.status = ${isLeased ? "processing" : "pending"} and ${isWaiting})`;
}

const defaults = runSettings.parse({});
// Whatever stands there: one project's minutes that no date can hold would end the sweep of all.
const budgetSeconds = sql`60 * least(coalesce((p.settings ->> 'budgetMinutes')::float8, ${defaults.budgetMinutes}), 10080)`;

/** At most 100 at once: the next sweep finds the rest. */
export async function findDue(tx: Tx, { which }: DueKind): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select j.id from fc.job_queue j join fc.pipeline_runs r on r.id = j.run_id join fc.projects p on p.id = j.project_id
    where ${which} limit 100`.execute(tx);
  return rows.map(({ id }) => id);
}
