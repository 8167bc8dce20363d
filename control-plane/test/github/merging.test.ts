import { randomUUID } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { deliverEffects } from "../../src/outbox/deliver-effects.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { migrateSessions } from "../../src/sessions/open-sessions.ts";
import { type GithubScene, openGithubScene, repo } from "../support/github-scene.ts";
import { openTestDatabase, quietLog } from "../support/open-test-database.ts";
import { runIn } from "../support/run-standing.ts";
import { seedKey } from "../support/seed.ts";

const branch = "feedback/issue-1-abc123";

/** A published run: its draft is open at GitHub, its branch stands where the worker left it. */
async function openPublished(settings: object = { merge: "approved" }) {
  const database = await openTestDatabase();
  await migrateSessions({ database, log: quietLog });
  const scene = await openGithubScene({ on: database });
  await scene.setToken();
  const { number: issueNumber } = scene.github.openIssue({ repo, author: "reporter", title: "Total" });
  const headSha = await scene.github.pushFiles({ repo, branch, files: { "a.txt": "a" } });
  const response = await fetch(`${scene.github.url}/repos/${repo}/pulls`, {
    method: "POST",
    headers: { authorization: `Bearer ${scene.github.addToken({ login: "bot" })}` },
    body: JSON.stringify({ title: "Fix", head: branch, base: "main", draft: true }),
  });
  const { number } = (await response.json()) as { number: number };
  const { runId } = await runIn(scene, "preview_ready", { issueNumber, prNumber: number });
  await asProject(scene.db, scene.projectId, async (tx) => {
    await sql`update fc.pipeline_runs set head_sha = ${headSha}, branch = ${branch} where id = ${runId}`.execute(tx);
    await sql`update fc.projects set settings = ${JSON.stringify(settings)}::jsonb where id = ${scene.projectId}`.execute(
      tx,
    );
  });
  return {
    scene,
    runId,
    headSha,
    pull: () => scene.github.lookAt(repo).pulls.find((pull) => pull.number === number),
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await database.close();
    },
  };
}

/** The member signed in with GitHub as this account. */
async function signedInAs({ db, github }: GithubScene, login: string): Promise<void> {
  const { id } = github.addUser(login);
  const { rows } = await asSystem(db, (tx) =>
    sql<{ id: string }>`select id from fc.users where login = 'the-member'`.execute(tx),
  );
  const [userId, email] = [rows[0]?.id, `${login}@example.com`];
  await sql`insert into auth."user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    values (${userId}, ${login}, ${email}, true, now(), now())`.execute(db);
  await sql`insert into auth.account (id, "accountId", "providerId", "userId", "createdAt", "updatedAt")
    values (${randomUUID()}, ${String(id)}, 'github', ${userId}, now(), now())`.execute(db);
}

async function deliverAll({ deps }: GithubScene): Promise<void> {
  while ((await deliverEffects(deps)) > 0);
}

/** What was put off is due at once. */
async function later({ db }: GithubScene): Promise<void> {
  await asSystem(db, (tx) => sql`update fc.outbox set run_at = now() where done_at is null`.execute(tx));
}

async function noted({ db, projectId }: GithubScene, runId: string) {
  return asProject(db, projectId, async (tx) => {
    const { rows: refusals } = await sql<{ detail: string }>`
      select detail from fc.run_events where run_id = ${runId} and event = 'merge_refused'`.execute(tx);
    const { rows: merges } = await sql<{ login: string }>`
      select actor ->> 'login' as login from fc.audit_logs where action = 'run.merge' and target = ${idOf("run", runId)}`.execute(
      tx,
    );
    const { rows: told } = await sql`
      select from fc.outbox where kind = 'notice_failed' and payload ->> 'reason' like 'merge_pull: %'`.execute(tx);
    return {
      refusals: refusals.map(({ detail }) => detail),
      merges: merges.map(({ login }) => login),
      told: told.length,
    };
  });
}

describe("an approved pull request, where the project merges what is approved", () => {
  it("is merged once for a person who may write to the repository, and the audit log says for whom", async () => {
    await using published = await openPublished();
    const { scene, runId, pull } = published;
    await signedInAs(scene, "maintainer");
    await scene.act(runId, { action: "approve" });
    await scene.act(runId, { action: "approve" });
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: true });
    expect(await noted(scene, runId)).toEqual({ refusals: [], merges: ["the-member"], told: 0 });
  });

  it("waits for checks that still run, and is merged when they are green", async () => {
    await using published = await openPublished();
    const { scene, runId, headSha, pull } = published;
    await signedInAs(scene, "maintainer");
    scene.github.createStatus({ repo, sha: headSha, state: "pending", context: "ci" });
    await scene.act(runId, { action: "approve" });
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: false, isDraft: false });
    scene.github.createStatus({ repo, sha: headSha, state: "success", context: "ci" });
    await later(scene);
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: true });
  });

  it.each([
    ["of somebody who never signed in with GitHub", null, /never signed in with GitHub/],
    ["of somebody who may only triage there", "helper", /^helper may not write to acme\/shop$/],
    ["of somebody with no rights there", "stranger", /^stranger may not write to acme\/shop$/],
  ])("stays open on the approval %s, and its timeline and people are told", async (_, login, why) => {
    await using published = await openPublished();
    const { scene, runId, pull } = published;
    if (login) await signedInAs(scene, login);
    await scene.act(runId, { action: "approve" });
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: false, isDraft: false });
    expect(await noted(scene, runId)).toEqual({ refusals: [expect.stringMatching(why)], merges: [], told: 1 });
  });

  it("stays open when somebody pushed to its branch after the approval was given", async () => {
    await using published = await openPublished();
    const { scene, runId, pull } = published;
    await signedInAs(scene, "maintainer");
    await scene.act(runId, { action: "approve" });
    await scene.github.pushFiles({ repo, branch, files: { "b.txt": "b" } });
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: false });
    expect(await noted(scene, runId)).toMatchObject({ refusals: ["the branch moved since the approval"] });
  });

  it("stays open when it conflicts with the base branch", async () => {
    await using published = await openPublished();
    const { scene, runId, pull } = published;
    await signedInAs(scene, "maintainer");
    await scene.github.pushFiles({ repo, branch: "main", files: { "a.txt": "other" } });
    await scene.act(runId, { action: "approve" });
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: false });
    expect(await noted(scene, runId)).toMatchObject({ refusals: [expect.stringMatching(/conflicts with the base/)] });
  });

  it("is never merged by a key's approval", async () => {
    await using published = await openPublished();
    const { scene, runId, pull } = published;
    await signedInAs(scene, "maintainer");
    const { key } = await seedKey(scene.db, {
      kind: "project",
      workspaceId: scene.workspaceId,
      projectId: scene.projectId,
      scopes: ["runs:act"],
    });
    const { status } = await scene.act(runId, { action: "approve" }, { authorization: `Bearer ${key}` });
    expect(status).toBe(202);
    await deliverAll(scene);
    expect(pull()).toMatchObject({ isMerged: false, isDraft: false });
    expect(await noted(scene, runId)).toEqual({ refusals: [], merges: [], told: 0 });
  });
});

it("merges nothing where the project does not say so, whoever approves", async () => {
  await using published = await openPublished({});
  const { scene, runId, pull } = published;
  await signedInAs(scene, "maintainer");
  await scene.act(runId, { action: "approve" });
  await deliverAll(scene);
  expect(pull()).toMatchObject({ isMerged: false, isDraft: false });
});
