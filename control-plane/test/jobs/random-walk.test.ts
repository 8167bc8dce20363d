import { systemActor } from "@feedback-chat/protocol/actor";
import { isFinal, moves, type RunEvent, runEvents, type Stage } from "@feedback-chat/protocol/run-machine";
import fc from "fast-check";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { lockRun } from "../../src/runs/lock-run.ts";
import { recordEvent } from "../../src/runs/record-event.ts";
import { kinds } from "../support/open-test-database.ts";
import { seedProject, seedRun, seedWorkspace } from "../support/seed.ts";
import { shareDatabase } from "../support/share-database.ts";

/** What walks on: events that mostly lead somewhere, and now and then one that does not. */
const likely: RunEvent[] = [
  "leased",
  "collected",
  "held",
  "approved",
  "lease_lost",
  "asked",
  "published",
  "resumed",
  "fix_round",
  "changes_requested",
];
const walks = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...likely) },
    { weight: 1, arbitrary: fc.constantFrom(...runEvents) },
  ),
  {
    minLength: 1,
    maxLength: 14,
  },
);

describe.each(kinds)("any walk of events on %s", (kind) => {
  const database = shareDatabase(kind);

  it("moves the run as the machine says, refuses the rest without a trace, and numbers what happened without a gap", async () => {
    const { db } = database();
    const projectId = await seedProject(db, { workspaceId: await seedWorkspace(db) });
    await fc.assert(
      fc.asyncProperty(walks, async (walk) => {
        const { runId } = await seedRun(db, { projectId });
        let stage: Stage = "queued";
        let taken = 2;
        for (const event of walk) {
          const to: Stage | undefined = moves[stage][event];
          const recorded = await asProject(db, projectId, async (tx) =>
            recordEvent(tx, await lockRun(tx, runId), { event, actor: systemActor, attempt: 1 }),
          ).catch(refusedOnly);
          expect(recorded?.stage).toBe(to);
          stage = to ?? stage;
          taken += to ? 1 : 0;
        }
        const { rows } = await asSystem(db, (tx) =>
          sql`select stage, (result is not null) as "isOver", (completed_at is not null) as "isComplete",
            (select array_agg(seq::int order by seq) from fc.run_events where run_id = r.id) as seqs
            from fc.pipeline_runs r where id = ${runId}`.execute(tx),
        );
        const seqs = Array.from({ length: taken }, (_, index) => index + 1);
        expect(rows).toEqual([{ stage, isOver: isFinal(stage), isComplete: isFinal(stage), seqs }]);
      }),
      { numRuns: 25 },
    );
    const gaps = await asSystem(db, (tx) =>
      sql<{
        gaps: number;
      }>`select (max(project_seq) - count(*))::int as gaps from fc.run_events where project_id = ${projectId}`.execute(
        tx,
      ),
    );
    expect(gaps.rows[0]?.gaps).toBe(0);
  });
});

function refusedOnly(error: unknown): undefined {
  expect(error).toMatchObject({ code: "invalid_transition" });
}
