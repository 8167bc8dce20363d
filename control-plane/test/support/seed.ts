import { randomBytes } from "node:crypto";
import { systemActor } from "@feedback-chat/protocol/actor";
import type { RunSettings } from "@feedback-chat/protocol/job";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { enqueueRun, type NewRun } from "../../src/jobs/enqueue-run.ts";
import { unparkJob } from "../../src/jobs/unpark-job.ts";
import { mintKey } from "../../src/keys/mint-key.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import type { Role } from "../../src/platform/caller.ts";
import type { Db } from "../../src/platform/database.ts";

export async function seedWorkspace(db: Db, name = "Acme"): Promise<string> {
  const id = newId();
  await asSystem(db, (tx) => sql`insert into fc.workspaces (id, name) values (${id}, ${name})`.execute(tx));
  return id;
}

type ProjectSeed = {
  workspaceId: string;
  name?: string;
  githubRepo?: string;
  githubRepoId?: number;
  maxConcurrentRuns?: number;
  settings?: Partial<RunSettings>;
  /** Sealed by the caller; else random bytes that open to nothing. */
  webhookSecret?: Buffer;
};

export async function seedProject(db: Db, seed: ProjectSeed): Promise<string> {
  const id = newId();
  const { name = `shop-${id.slice(-8)}`, githubRepo = `acme/${name}` } = seed;
  await asSystem(db, (tx) =>
    sql`insert into fc.projects (id, workspace_id, name, github_repo, github_repo_id, webhook_secret, settings, max_concurrent_runs)
      values (${id}, ${seed.workspaceId}, ${name}, ${githubRepo}, ${seed.githubRepoId ?? 4_711}, ${seed.webhookSecret ?? randomBytes(32)},
        ${JSON.stringify(seed.settings ?? {})}::jsonb, ${seed.maxConcurrentRuns ?? 1})`.execute(tx),
  );
  return id;
}

/** A person, member of the workspace if one is named. */
export async function seedUser(
  db: Db,
  seed: { login: string; workspaceId?: string; role?: Role; isOperator?: boolean },
): Promise<string> {
  const id = newId();
  await asSystem(db, async (tx) => {
    await sql`insert into fc.users (id, email, login, is_operator)
      values (${id}, ${`${seed.login}-${id.slice(-8)}@example.com`}, ${seed.login}, ${seed.isOperator ?? false})`.execute(
      tx,
    );
    if (seed.workspaceId)
      await sql`insert into fc.workspace_members (workspace_id, user_id, role)
        values (${seed.workspaceId}, ${id}, ${seed.role ?? "member"})`.execute(tx);
  });
  return id;
}

type KeySeed =
  | { kind: "worker"; workspaceId: string }
  | { kind: "project"; workspaceId: string; projectId: string; scopes?: string[] }
  | { kind: "user"; userId: string };

export async function seedKey(db: Db, seed: KeySeed): Promise<{ keyId: string; key: string }> {
  const keyId = newId();
  const { key, hash, prefix } = mintKey(seed.kind);
  const workspaceId = seed.kind === "user" ? null : seed.workspaceId;
  const projectId = seed.kind === "project" ? seed.projectId : null;
  const scopes = seed.kind === "project" ? (seed.scopes ?? ["status:read", "runs:read", "feedback:write"]) : [];
  await asSystem(db, (tx) =>
    sql`insert into fc.api_keys (id, workspace_id, project_id, user_id, kind, key_hash, prefix, scopes)
      values (${keyId}, ${workspaceId}, ${projectId}, ${seed.kind === "user" ? seed.userId : null}, ${seed.kind},
        ${hash}, ${prefix}, ${scopes}::text[])`.execute(tx),
  );
  return { keyId, key };
}

type RunSeed = {
  projectId: string;
  issueNumber?: number;
  issue?: Partial<NewRun["issue"]>;
  priority?: number;
  maxAttempts?: number;
  /** Leave it as the gate's first step made it: waiting for GitHub. */
  isParked?: boolean;
};

let issueNumbers = 0;

/** A run as the gate admits it, with a job that a worker may claim at once. */
export async function seedRun(db: Db, seed: RunSeed): Promise<{ jobId: string; runId: string; issueNumber: number }> {
  const number = seed.issueNumber ?? ++issueNumbers;
  return asProject(db, seed.projectId, async (tx) => {
    const made = await enqueueRun(
      tx,
      { newId },
      {
        projectId: seed.projectId,
        issue: {
          number,
          title: "The total is wrong",
          body: "With two items in the cart the total shows only one.",
          labels: ["feedback-bot", "auto-implement"],
          author: "reporter",
          url: `https://github.com/acme/shop/issues/${number}`,
          updatedAt: new Date().toISOString(),
          hasFeedbackLabel: true,
          ...seed.issue,
        },
        source: "webhook",
        triggeredBy: "reporter",
        branchSuffix: randomBytes(6).toString("hex"),
      },
    );
    if (!made) throw new Error(`Issue ${number} has an active job already.`);
    await sql`update fc.job_queue set priority = coalesce(${seed.priority ?? null}::int, priority), max_attempts = ${seed.maxAttempts ?? 3} where id = ${made.jobId}`.execute(
      tx,
    );
    if (!seed.isParked) {
      await unparkJob(tx, made.runId, { resumeAt: "snapshot" });
      await advanceRun(tx, made.runId, {
        event: "unparked",
        actor: systemActor,
        attempt: 0,
        waitingFor: "worker",
      });
    }
    return { ...made, issueNumber: number };
  });
}
