import { systemActor } from "@feedback-chat/protocol/actor";
import { runSettings } from "@feedback-chat/protocol/job";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import { advanceRun } from "./advance-run.ts";
import { unparkJob } from "./unpark-job.ts";

type Deps = { db: Db };

/** Lets runs go on that wait for money, once the last 24 hours of their project leave room for a whole run, or for
 * all that the day allows if that is less. */
export async function wakeBudgetWaits({ db }: Deps): Promise<void> {
  const { budgetMicroUsd, dayBudgetMicroUsd } = runSettings.parse({});
  // As the system: it looks for such projects of all tenants.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ id: string; attempt: number }>`
      select r.id, j.attempt from fc.pipeline_runs r
      join fc.job_queue j on j.id = r.job_id join fc.projects p on p.id = r.project_id
      cross join lateral (select coalesce((p.settings ->> 'budgetMicroUsd')::bigint, ${budgetMicroUsd}) as run,
        coalesce((p.settings ->> 'dayBudgetMicroUsd')::bigint, ${dayBudgetMicroUsd}) as day) ceiling
      where r.waiting_for = 'budget' and r.result is null and j.status = 'pending'
        and least(ceiling.run, ceiling.day) + (select coalesce(sum(coalesce(s.settled_micro_usd, s.reserved_micro_usd)), 0) from fc.spend_reservations s
          where s.project_id = p.id and s.created_at > now() - interval '24 hours') <= ceiling.day
      order by r.standing_since limit 100`.execute(tx),
  );
  for (const { id, attempt } of rows) {
    await asSystem(db, async (tx) => {
      if (!(await unparkJob(tx, id, {}))) return;
      await advanceRun(tx, id, {
        event: "unparked",
        actor: systemActor,
        attempt,
        waitingFor: "worker",
        detail: "budget",
      });
    });
  }
}
