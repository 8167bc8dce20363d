import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";

/** Whose webhook brought it: the project's own, or the GitHub App's. */
export type Way = "project" | "app";
export type Delivery = {
  projectId: string;
  guid: string;
  event: string;
  action: string | null;
  bodySha256: Buffer;
  way: Way;
  /** What tells the event from others, by whichever way it came; null for what cannot be told. */
  meaning: Buffer | null;
  issue: { number: number; updatedAt: string } | null;
  /** Kept for 30 days; null for what is ignored. */
  body: Buffer | null;
  /** A person asked for it again: it may be known, and its body too. */
  isReplayed: boolean;
};

type DeliveryStatus = "queued" | "already_queued" | "duplicate" | "ignored" | "pong" | "handled";

/** What is known already about the delivery and its issue. */
export type Known = {
  isNew: boolean;
  hasSameBody: boolean;
  /** The same event came by the other webhook, and counted. */
  cameOtherWay: boolean;
  /** An event that is as new or newer was seen, and the issue was closed or gone then. */
  isIssueOver: boolean;
  /** An event that is as new or newer started a run. */
  isStale: boolean;
  hasActiveRun: boolean;
};

/**
 * Stores a delivery once per GUID, and looks in the same statement at what is known. Of two with one GUID the second
 * waits for the first and is then not new. Wakes the gate at commit, in case a run comes of it.
 */
export async function storeDelivery(
  tx: Tx,
  { newId }: { newId: () => string },
  delivery: Delivery,
  status: DeliveryStatus,
): Promise<Known> {
  const { projectId, guid, event, action, bodySha256, issue, body, isReplayed, way, meaning } = delivery;
  const updatedAt = issue?.updatedAt ?? null;
  // GitHub counts in seconds: closed and reopened in one of them is still a new opening.
  const isReopened = action === "reopened";
  const { rows } = await sql<Known>`
    with stored as (
      insert into fc.webhook_events (id, project_id, guid, event, action, body_sha256, issue_number, issue_updated_at, status, body, way, meaning)
      values (${newId()}, ${projectId}, ${guid}, ${event}, ${action}, ${bodySha256}, ${issue?.number ?? null}, ${updatedAt}, ${status}, ${body}, ${way}, ${meaning})
      on conflict (project_id, guid) do update set status = excluded.status, reason = null where ${isReplayed} returning guid
    ), told as (
      select pg_notify('fc_gate', '') from stored
    ), issue as (
      select id, state, github_updated_at from fc.issues where project_id = ${projectId} and number = ${issue?.number ?? null}::int
    )
    select exists (select from stored) and (select count(*) >= 0 from told) as "isNew",
      exists (select from fc.webhook_events w where w.project_id = ${projectId} and w.body_sha256 = ${bodySha256} and w.guid <> ${guid} and not ${isReplayed}) as "hasSameBody",
      exists (select from fc.webhook_events w where w.project_id = ${projectId} and w.meaning = ${meaning}::bytea and w.way <> ${way}
        and w.status <> 'duplicate' and not ${isReplayed}) as "cameOtherWay",
      exists (select from issue where state <> 'open'
        and (github_updated_at > ${updatedAt}::timestamptz or (github_updated_at = ${updatedAt}::timestamptz and not ${isReopened}))) as "isIssueOver",
      exists (select from issue join fc.issue_snapshots s on s.issue_id = issue.id 
        where s.issue_updated_at > ${updatedAt}::timestamptz or (s.issue_updated_at = ${updatedAt}::timestamptz and not ${isReopened})) as "isStale",
      exists (select from issue join fc.pipeline_runs r on r.issue_id = issue.id where r.result is null) as "hasActiveRun"`.execute(
    tx,
  );
  const [known] = rows;
  if (!known) throw new Error("A look without a row.");
  return known;
}

/** What became of it, when that is another thing than it was stored with. A replay keeps the body, for the next one. */
export async function noteOutcome(
  tx: Tx,
  { projectId, guid, isReplayed }: Delivery,
  status: DeliveryStatus,
  reason: string,
): Promise<void> {
  await sql`update fc.webhook_events set status = ${status}, reason = ${reason}, body = case when ${status} = 'ignored' and not ${isReplayed} then null else body end
    where project_id = ${projectId} and guid = ${guid}`.execute(tx);
}
