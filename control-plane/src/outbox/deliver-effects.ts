import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import type { GitHubStep } from "../core/app-permissions.ts";
import { githubFor, type ProjectGitHub } from "../github/github-for.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { tellPeople } from "../notices/tell-people.ts";
import { tellReporters } from "../reports/tell-reporters.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { applyEffect } from "./apply-effect.ts";
import type { Delivered } from "./delivered.ts";
import { mergePull } from "./merge-pull.ts";
import { noteMerge } from "./note-merge.ts";
import { type Effect, queueEffects } from "./queue-effects.ts";
import { type DueEffect, takeEffects } from "./take-effects.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log">;

const batchSize = 10;
/** Half a day and more: GitHub was away for hours before. A merge is of its moment, and waits for an hour. */
const mostAttempts = (kind: Effect["kind"]) => (kind === "merge_pull" ? 12 : kind === "sweep_branch" ? sweeps : 60);
/** Each 25 s for a quarter of an hour and more: a publisher lives 14 minutes at most. */
const sweeps = 40;
const sweepsApart = 5;

/**
 * Delivers one batch of due effects, at least once each: every one of them looks before it acts. What GitHub cannot
 * take now comes back later, each time after twice as long; what it never will is told to people. One after the other
 * within a project, for their order; a project whose GitHub is slow keeps no other waiting.
 * @returns how many were taken.
 */
export async function deliverEffects(deps: Deps): Promise<number> {
  const { taken, effects } = await takeEffects(deps, batchSize);
  const byProject = Map.groupBy(effects, ({ projectId }) => projectId);
  const ended = await Promise.allSettled([...byProject.values()].map((own) => deliverInTurn(deps, own)));
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return taken;
}

async function deliverInTurn(deps: Deps, effects: readonly DueEffect[]): Promise<void> {
  const clients: Clients = new Map();
  for (const due of effects) {
    const delivered = await deliver(deps, clients, due).catch((error: unknown) => leave(deps, due, error));
    if (delivered === null) continue;
    if (delivered.kind === "once_more" && due.attempts < mostAttempts(due.kind)) await lookLater(deps, due, delivered);
    else if (delivered.kind === "again" && due.attempts < mostAttempts(due.kind)) await putOff(deps, due, delivered);
    else await settle(deps, due, delivered);
  }
}

/** Of one batch and project. */
type Clients = Map<GitHubStep, Promise<ProjectGitHub | null>>;

function clientFor(deps: Deps, clients: Clients, projectId: string, step: GitHubStep): Promise<ProjectGitHub | null> {
  const known = clients.get(step) ?? githubFor(deps, projectId, step);
  clients.set(step, known);
  return known;
}

async function deliver(deps: Deps, clients: Clients, due: DueEffect): Promise<Delivered> {
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
    const github = await clientFor(deps, clients, projectId, stepOf(effect));
    if (!github) return { kind: "done", note: "no github token" };
    if (effect.kind === "merge_pull") return await mergePull(github, effect);
    const note = await applyEffect(deps, github, { id, projectId, runId, effect });
    if (effect.kind !== "sweep_branch") return { kind: "done", note };
    const afterSeconds = sweepsApart * deps.config.figures.sweepEverySeconds;
    return { kind: "once_more", note: note ?? "swept what a late publisher left", afterSeconds };
  } catch (error) {
    const trouble = githubTrouble(error, deps.now());
    const { said, retryAfterSeconds } = trouble;
    deps.log.warn("outbox.failed", { id, kind, trouble: trouble.kind, reason: said });
    if (trouble.kind === "gone") return { kind: "done", note: said };
    if (trouble.kind === "access" || trouble.kind === "refused") return { kind: "hopeless", note: said };
    return { kind: "again", note: said, retryAfterSeconds };
  }
}

/** A bug, or a vault that is shut: it comes back when its lock ends, and holds up nobody else's meanwhile. */
function leave({ log }: Deps, { id, kind }: DueEffect, error: unknown): null {
  log.error("outbox.left", { id, kind, error });
  return null;
}

/** What changes branches needs more than what speaks on issues. */
function stepOf({ kind }: Effect): GitHubStep {
  return kind === "delete_branch" || kind === "sweep_branch" || kind === "merge_pull" ? "change" : "tell";
}

async function putOff(
  { db }: Deps,
  { id, attempts }: DueEffect,
  { note, retryAfterSeconds }: { note: string; retryAfterSeconds: number },
): Promise<void> {
  const seconds = Math.max(retryAfterSeconds, Math.min(900, 2 ** attempts));
  await asSystem(db, (tx) =>
    sql`update fc.outbox set run_at = now() + make_interval(secs => ${seconds}), locked_until = null, last_error = ${note}
      where id = ${id}`.execute(tx),
  );
}

async function lookLater(
  { db }: Deps,
  { id }: DueEffect,
  { note, afterSeconds }: { note: string; afterSeconds: number },
): Promise<void> {
  await asSystem(db, (tx) =>
    sql`update fc.outbox set run_at = now() + make_interval(secs => ${afterSeconds}), locked_until = null, last_error = ${note}
      where id = ${id}`.execute(tx),
  );
}

async function settle({ db }: Deps, due: DueEffect, { kind, note }: Delivered): Promise<void> {
  await asSystem(db, async (tx) => {
    await sql`update fc.outbox set done_at = now(), locked_until = null, last_error = ${note} where id = ${due.id}`.execute(
      tx,
    );
    if (due.kind === "merge_pull") await noteMerge(tx, due, { isDone: kind === "done", note });
    if (kind !== "done" && kind !== "once_more")
      await queueEffects(tx, due, [{ kind: "notice_failed", reason: `${due.kind}: ${note}` }]);
  });
}
