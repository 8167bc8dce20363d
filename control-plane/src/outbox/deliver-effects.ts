import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import type { GitHubStep } from "../core/app-permissions.ts";
import { githubFor } from "../github/github-for.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { tellPeople } from "../notices/tell-people.ts";
import { tellReporters } from "../reports/tell-reporters.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { applyEffect } from "./apply-effect.ts";
import type { Delivered } from "./delivered.ts";
import { mergePull } from "./merge-pull.ts";
import { noteMerge } from "./note-merge.ts";
import { type Effect, queueEffects } from "./queue-effects.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log">;
type Due = {
  id: string;
  projectId: string;
  runId: string | null;
  kind: Effect["kind"];
  payload: object;
  attempts: number;
};

const batchSize = 10;
const maxAttempts = 12;

/**
 * Delivers one batch of due effects, at least once each: every one of them looks before it acts. What GitHub cannot
 * take now comes back later, each time after twice as long; what it never will is told to people.
 * @returns how many were taken.
 */
export async function deliverEffects(deps: Deps): Promise<number> {
  const batch = await takeDue(deps);
  for (const due of batch) {
    const delivered = await deliver(deps, due);
    if (delivered.kind === "again" && due.attempts < maxAttempts) await putOff(deps, due, delivered);
    else await settle(deps, due, delivered);
  }
  return batch.length;
}

async function takeDue({ db, config }: Deps): Promise<Due[]> {
  // As the system: they are of all projects. The lock outlives this statement, so that no other server takes them too.
  const { rows } = await asSystem(db, (tx) =>
    sql<Due>`
      with due as (
        select id from fc.outbox where done_at is null and run_at <= now() and (locked_until is null or locked_until < now())
        order by run_at, id limit ${batchSize} for update skip locked
      ), taken as (
        update fc.outbox o set attempts = attempts + 1, locked_until = now() + make_interval(secs => ${config.figures.outboxLockSeconds})
        from due where o.id = due.id returning o.*
      )
      select id, project_id as "projectId", run_id as "runId", kind, payload, attempts from taken order by run_at, id`.execute(
      tx,
    ),
  );
  return rows;
}

async function deliver(deps: Deps, due: Due): Promise<Delivered> {
  const { id, projectId, runId, kind, payload } = due;
  const effect = { kind, ...payload } as Effect;
  if (
    effect.kind === "notice_held" ||
    effect.kind === "notice_waiting" ||
    effect.kind === "notice_failed" ||
    effect.kind === "notice_sent_back"
  )
    return { kind: "done", note: await tellPeople(deps, { id, projectId, runId, ...effect }) };
  if (effect.kind === "notice_reporter")
    return { kind: "done", note: await tellReporters(deps, { projectId, runId, ...effect }) };
  try {
    const github = await githubFor(deps, projectId, stepOf(effect));
    if (!github) return { kind: "done", note: "no github token" };
    if (effect.kind === "merge_pull") return await mergePull(github, effect);
    return { kind: "done", note: await applyEffect(deps, github, { projectId, runId, effect }) };
  } catch (error) {
    const trouble = githubTrouble(error, deps.now());
    const { said, retryAfterSeconds } = trouble;
    deps.log.warn("outbox.failed", { id, kind, trouble: trouble.kind, reason: said });
    if (trouble.kind === "gone") return { kind: "done", note: said };
    if (trouble.kind === "access" || trouble.kind === "refused") return { kind: "hopeless", note: said };
    return { kind: "again", note: said, retryAfterSeconds };
  }
}

/** What changes branches needs more than what speaks on issues. */
function stepOf({ kind }: Effect): GitHubStep {
  return kind === "delete_branch" || kind === "merge_pull" ? "change" : "tell";
}

async function putOff(
  { db }: Deps,
  { id, attempts }: Due,
  { note, retryAfterSeconds }: { note: string; retryAfterSeconds: number },
): Promise<void> {
  const seconds = Math.max(retryAfterSeconds, Math.min(900, 2 ** attempts));
  await asSystem(db, (tx) =>
    sql`update fc.outbox set run_at = now() + make_interval(secs => ${seconds}), locked_until = null, last_error = ${note}
      where id = ${id}`.execute(tx),
  );
}

async function settle({ db }: Deps, due: Due, { kind, note }: Delivered): Promise<void> {
  await asSystem(db, async (tx) => {
    await sql`update fc.outbox set done_at = now(), locked_until = null, last_error = ${note} where id = ${due.id}`.execute(
      tx,
    );
    if (due.kind === "merge_pull") await noteMerge(tx, due, { isDone: kind === "done", note });
    if (kind !== "done") await queueEffects(tx, due, [{ kind: "notice_failed", reason: `${due.kind}: ${note}` }]);
  });
}
