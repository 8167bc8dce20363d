import type { AppDeps } from "../app-deps.ts";
import { type PolledProject, pollIssues, type Seen } from "./poll-issues.ts";
import { redeliverMissed } from "./redeliver-missed.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "newId" | "log">;
/** What one process remembers of its rounds: ETags, and the projects that it has looked at before. */
export type Rounds = { seen: Seen; known: Set<string> };
export type Reconciled = { hasHookRights: boolean; redelivered: number; issues: number[]; trouble: string | null };

const hourMs = 3_600_000;
/** For so long GitHub keeps a delivery and sends it again. */
const keptMs = 72 * hourMs;

/** How far back a round looks: at first as far as there is anything, then as far as one delivery is tried again. */
export function lookBack(deps: Pick<Deps, "now">, isFirst: boolean): Date {
  return new Date(deps.now().getTime() - (isFirst ? keptMs : hourMs));
}

/**
 * Finds what webhooks did not bring: deliveries that are not known here are sent again with hook rights, and open
 * labelled issues without a run get one, with rights or without. Whichever comes first makes the one run.
 */
export async function reconcile(deps: Deps, rounds: Rounds, project: PolledProject): Promise<Reconciled> {
  const since = lookBack(deps, !rounds.known.has(project.id));
  const { hasHookRights, count, trouble } = await redeliverMissed(deps, project.id, since);
  const issues = await pollIssues(deps, rounds.seen, project);
  if (trouble === null) rounds.known.add(project.id);
  return { hasHookRights, redelivered: count, issues, trouble };
}
