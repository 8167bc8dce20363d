import { randomUUID } from "node:crypto";
import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { credentialInfo, type Lease } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { wakeClosedRuns } from "../../src/credentials/wake-closed-runs.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { lostSealing } from "../../src/platform/seal-with-master-key.ts";
import { kinds } from "../support/open-test-database.ts";
import { openQueueScene, type QueueScene } from "../support/queue-scene.ts";
import { shareDatabase } from "../support/share-database.ts";
import { drainWorker } from "../../src/workers/drain-worker.ts";

const at = new Date().toISOString();
const line = (message: string) => ({ at, level: "info", message });
const tree = (letter: string) => ({
  treeId: letter.repeat(40),
  baseSha: "b".repeat(40),
  hasHoldVerdict: false,
  hasFlag: false,
  checks: "green",
  isUnfinished: false,
});

async function storedLines({ db }: QueueScene, runId: string): Promise<string[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{
      message: string;
    }>`select message from fc.run_logs where run_id = ${runId} order by seq`.execute(tx),
  );
  return rows.map(({ message }) => message);
}

describe.each(kinds)("what a lease opens on %s", (kind) => {
  const database = shareDatabase(kind);

  it("case 20: appends with overlap, repeat and gap are stored once, in order; log_gap tells where", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const append = (offset: number, ...messages: string[]) =>
      scene.worker.say(lease, "logs", { offset, lines: messages.map(line) });
    expect((await append(0, "a", "b")).body).toEqual({ ackedOffset: 2 });
    expect((await append(0, "a", "b")).body).toEqual({ ackedOffset: 2 });
    expect((await append(1, "b", "c", "d")).body).toEqual({ ackedOffset: 4 });
    expect((await append(6, "g")).body).toMatchObject({ code: "log_gap", ackedOffset: 4 });
    const racing = await Promise.all([append(4, "e", "f"), append(4, "e", "f"), append(5, "f")]);
    expect(racing.map(({ status }) => status).filter((status) => status === 200).length).toBeGreaterThanOrEqual(2);
    expect(await storedLines(scene, lease.ids.runId)).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  it("numbers events and lines by one counter without a gap, and a second attempt counts its lines anew", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const lease = await scene.lease();
    await scene.worker.say(lease, "logs", { offset: 0, lines: [line("one"), line("two")] });
    await scene.worker.say(lease, "events", {
      eventId: randomUUID(),
      event: "phase_started",
      phase: "clone",
    });
    await scene.worker.say(lease, "fail", { code: "clone", reason: "down", retryable: true });
    const { lease: next } = await scene.worker.claim();
    if (next)
      expect((await scene.worker.say(next, "logs", { offset: 0, lines: [line("three")] })).body).toEqual({
        ackedOffset: 1,
      });
    const { rows } = await asSystem(scene.db, (tx) =>
      sql<{
        seqs: number[];
        next: number;
      }>`select array(select seq::int from fc.run_events where run_id = r.id union all
        select seq::int from fc.run_logs where run_id = r.id order by 1) as seqs, r.next_seq::int as next
        from fc.pipeline_runs r where r.id = ${lease.ids.runId}`.execute(tx),
    );
    expect(rows[0]?.seqs).toEqual(Array.from({ length: (rows[0]?.next ?? 0) - 1 }, (_, index) => index + 1));
  });

  it("cleans lines of control characters and of what looks like a secret", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const key = `sk-ant-api03-${"A1b2".repeat(24)}`;
    await scene.worker.say(lease, "logs", {
      offset: 0,
      lines: [line(`\u001b[31mred\u0000\u001b[0m`), line(`key ${key}`)],
    });
    const stored = await storedLines(scene, lease.ids.runId);
    expect(stored[0]).toBe("red");
    expect(stored.join()).not.toContain(key);
    expect(stored).toHaveLength(2);
  });

  it("hides a private key that comes in two appends, and loses no line of what overlaps", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const said = ["a", "-----BEGIN PRIVATE KEY-----", "MIIEvQIBADAN", "Bgkqhki", "-----END PRIVATE KEY-----", "b: c"];
    const append = (from: number, to: number) =>
      scene.worker.say(lease, "logs", { offset: from, lines: said.slice(from, to).map(line) });
    await append(0, 3);
    expect((await append(1, 6)).body).toEqual({ ackedOffset: 6 });
    const mark = "[redacted: private key]";
    expect(await storedLines(scene, lease.ids.runId)).toEqual(["a", mark, mark, mark, said[4], "b: c"]);
  });

  it("keeps 5 MiB of a run and says so, however much comes and however often it is begun", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const lines = Array.from({ length: 31 }, () => line("x".repeat(8_000)));
    const flood = async (lease: Lease, appends: number) => {
      for (let offset = 0; offset < appends * 31; offset += 31)
        expect((await scene.worker.say(lease, "logs", { offset, lines })).body).toEqual({ ackedOffset: offset + 31 });
    };
    const nextAttempt = async (lease: Lease) => {
      await scene.worker.say(lease, "fail", { code: "clone", reason: "down", retryable: true });
      const { lease: next } = await scene.worker.claim();
      if (!next) throw new Error("the run has another attempt");
      return next;
    };
    const first = await scene.lease();
    expect(first.job.loggedBytes).toBe(0);
    await flood(first, 12);
    const second = await nextAttempt(first);
    expect(second.job.loggedBytes).toBe(12 * 31 * 8_001);
    await flood(second, 12);
    const stored = await storedLines(scene, first.ids.runId);
    expect(stored.at(-1)).toBe("The rest is dropped: the log of a run ends at 5 MiB.");
    expect(Buffer.byteLength(stored.join("\n"))).toBeLessThan(5.1 * 1024 ** 2);
    const third = await nextAttempt(second);
    expect(third.job.loggedBytes).toBeGreaterThan(5 * 1024 ** 2);
    expect((await scene.worker.say(third, "logs", { offset: 0, lines: [line("y")] })).body).toEqual({ ackedOffset: 1 });
    expect(await storedLines(scene, first.ids.runId)).toEqual(stored);
  });

  it("seals a credential to the worker's key, bound to job, attempt and purpose, and notes it", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { db, projectId, deps } = scene;
    const id = deps.newId();
    const secret = "ghp_a-token-for-tests";
    const sealed = deps.sealing.seal(secret, { projectId, id, type: "github_token", version: 1 });
    await asSystem(db, (tx) =>
      sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
        values (${id}, ${projectId}, 'github_token', ${sealed.encryptedValue}, ${sealed.wrappedDek}, ${sealed.kekId}, 'ests')`.execute(
        tx,
      ),
    );
    const lease = await scene.lease();
    const answer = await scene.worker.say(lease, "credentials", { purpose: "clone" });
    expect(answer.bytes.toString()).not.toContain(secret);
    const given = answer.body["sealed"] as { type: string; enc: string; ciphertext: string };
    expect(given.type).toBe("github_token");
    expect(await scene.worker.open(given, credentialInfo(lease, "clone"))).toBe(secret);
    await expect(scene.worker.open(given, credentialInfo(lease, "publish"))).rejects.toThrow();
    await expect(scene.worker.open(given, credentialInfo({ ...lease, attempt: 2 }, "clone"))).rejects.toThrow();
    expect((await scene.worker.say(lease, "credentials", { purpose: "model" })).body).toEqual({
      sealed: null,
    });
    const audit = await asSystem(db, (tx) =>
      sql`select action, target from fc.audit_logs where project_id = ${projectId} order by id`.execute(tx),
    );
    expect(audit.rows[0]).toEqual({ action: "credential.released.clone", target: lease.jobId });
    expect((await scene.worker.say(lease, "credentials", { purpose: "publish" })).body["code"]).toBe("not_permitted");
  });

  it("case 27: parks a run whose secrets a lost master key does not open, and goes on with it once the key is right", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { db, projectId, deps } = scene;
    const { sealing } = deps;
    const id = deps.newId();
    const sealed = sealing.seal("ghp_secret", { projectId, id, type: "github_token", version: 1 });
    await asSystem(db, (tx) =>
      sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
        values (${id}, ${projectId}, 'github_token', ${sealed.encryptedValue}, ${sealed.wrappedDek}, ${sealed.kekId}, 'cret')`.execute(
        tx,
      ),
    );
    const lease = await scene.lease();
    const other = await scene.lease();
    for (const one of [lease, other])
      await scene.worker.say(one, "events", { eventId: deps.newId(), event: "phase_started", phase: "clone" });
    deps.sealing = lostSealing();
    const refused = await scene.worker.say(lease, "credentials", { purpose: "clone" });
    // Not `unavailable`, which a worker repeats until its run's time is over.
    expect(refused).toMatchObject({ status: 503, body: { code: "vault_shut", next: expect.stringContaining("master key") } }); // prettier-ignore
    const { rows } = await asSystem(db, (tx) =>
      sql`select from fc.audit_logs where project_id = ${projectId} and action like 'credential.released%'`.execute(tx),
    );
    expect(rows).toEqual([]);
    const wait = (of: typeof lease, reason: string, code?: string) =>
      scene.worker.say(of, "wait", { for: "credential", reason, resumeAt: "snapshot", ...(code ? { code } : {}) });
    expect((await wait(lease, String(refused.body["detail"]), "vault_shut")).status).toBe(200);
    expect((await wait(other, "There is no key for the model.")).status).toBe(200);
    const waits = async () =>
      (await Promise.all([lease, other].map((of) => scene.job(of.ids.runId)))).map((job) => job.waiting_for);
    expect(await waits()).toEqual(["credential", "credential"]);
    await wakeClosedRuns(deps); // a start with the wrong key again
    expect(await waits()).toEqual(["credential", "credential"]);
    await Promise.all([wakeClosedRuns({ ...deps, sealing }), wakeClosedRuns({ ...deps, sealing })]);
    expect(await waits()).toEqual(["worker", "credential"]);
    deps.sealing = sealing;
    const again = await scene.worker.claim();
    expect(again.lease?.jobId).toBe(lease.jobId);
    expect((await scene.worker.say(again.lease!, "credentials", { purpose: "clone" })).status).toBe(200);
  });

  it("names a stored secret that was spoiled, audits it, and goes on without a restart once its row is right", async () => {
    await using scene = await openQueueScene({ on: database() });
    const { db, projectId, deps } = scene;
    const id = deps.newId();
    const sealed = deps.sealing.seal("ghp_secret", { projectId, id, type: "github_token", version: 1 });
    await asSystem(db, (tx) =>
      sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
        values (${id}, ${projectId}, 'github_token', ${Buffer.alloc(40)}, ${sealed.wrappedDek}, ${sealed.kekId}, 'cret')`.execute(
        tx,
      ),
    );
    const lease = await scene.lease();
    await scene.worker.say(lease, "events", { eventId: deps.newId(), event: "phase_started", phase: "clone" });
    const refused = await scene.worker.say(lease, "credentials", { purpose: "clone" });
    expect(refused).toMatchObject({ status: 503, body: { code: "credential_unreadable" } });
    expect(refused.body["detail"]).toMatch(/^The stored github_token cannot be read/);
    const audit = await asSystem(db, (tx) =>
      sql`select action, target from fc.audit_logs where project_id = ${projectId}`.execute(tx),
    );
    expect(audit.rows).toEqual([{ action: "credential.unreadable", target: idOf("crd", id) }]);
    const waiting = { for: "credential", reason: String(refused.body["detail"]), code: "credential_unreadable" };
    await scene.worker.say(lease, "wait", { ...waiting, resumeAt: "snapshot" });
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      waiting_for: "credential",
      reason: "credential_unreadable",
    });
    await wakeClosedRuns(deps);
    expect(await scene.job(lease.ids.runId)).toMatchObject({ waiting_for: "credential" });
    await asSystem(db, (tx) =>
      sql`update fc.credentials set encrypted_value = ${sealed.encryptedValue} where id = ${id}`.execute(tx),
    );
    await wakeClosedRuns(deps);
    expect(await scene.job(lease.ids.runId)).toMatchObject({ waiting_for: "worker" });
  });

  it("permits one tree, by policy or by approval of that very tree, and then gives the write token", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    expect((await scene.worker.say(lease, "permit", tree("a"))).body["code"]).toBe("not_permitted");
    await scene.worker.say(lease, "events", {
      eventId: randomUUID(),
      event: "collected",
      phase: "collect",
    });
    const held = await scene.worker.say(lease, "permit", tree("a"));
    expect(held).toMatchObject({
      status: 409,
      body: { code: "not_permitted", detail: "The words came from the public." },
    });
    await asSystem(scene.db, (tx) =>
      sql`update fc.pipeline_runs set approved_tree_id = permit_request ->> 'treeId', approved_by = 'mia' where id = ${lease.ids.runId}`.execute(
        tx,
      ),
    );
    expect((await scene.worker.say(lease, "permit", tree("c"))).body["code"]).toBe("not_permitted");
    const given = await scene.worker.say(lease, "permit", tree("a"));
    expect(given).toMatchObject({ status: 200, body: { approvedBy: "mia" } });
    expect(await scene.worker.say(lease, "permit", tree("a"))).toEqual(given);
    expect((await scene.worker.say(lease, "permit", tree("c"))).body["code"]).toBe("not_permitted");
    expect((await scene.worker.say(lease, "credentials", { purpose: "publish" })).status).toBe(200);
    const published = {
      kind: "published",
      prNumber: 5,
      prUrl: "https://github.com/acme/shop/pull/5",
      headSha: "d".repeat(40),
      isDraft: true,
    };
    expect((await scene.worker.say(lease, "complete", { outcome: published })).body).toEqual({
      stage: "preview_ready",
    });
  });

  it("publishes nothing without a permit, nor after a cancel", async () => {
    await using scene = await openQueueScene({ on: database(), settings: { publish: "auto" } });
    const lease = await scene.lease();
    await scene.worker.say(lease, "events", {
      eventId: randomUUID(),
      event: "collected",
      phase: "collect",
    });
    const published = {
      kind: "published",
      prNumber: 5,
      prUrl: "https://github.com/acme/shop/pull/5",
      headSha: "d".repeat(40),
      isDraft: true,
    };
    expect((await scene.worker.say(lease, "complete", { outcome: published })).body["code"]).toBe("not_permitted");
    await asSystem(scene.db, (tx) =>
      sql`update fc.job_queue set cancel_requested_at = now() where run_id = ${lease.ids.runId}`.execute(tx),
    );
    expect((await scene.worker.say(lease, "permit", tree("a"))).body["code"]).toBe("not_permitted");
  });

  it("keeps artifacts byte for byte for the next attempt, and takes no other name and no more than 10 MiB", async () => {
    await using scene = await openQueueScene({ on: database(), figures: { backoffSeconds: 0 } });
    const lease = await scene.lease();
    const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 256);
    const path = (jobId: string, name: string) => `/v1/jobs/${jobId}/artifacts/${name}`;
    await scene.worker.call("PUT", path(lease.jobId, "tree.pack"), new TextEncoder().encode("first"), lease);
    expect((await scene.worker.call("PUT", path(lease.jobId, "tree.pack"), bytes, lease)).body).toMatchObject({
      sizeBytes: 1_000,
    });
    expect((await scene.worker.call("PUT", path(lease.jobId, "other.txt"), bytes, lease)).status).toBe(400);
    const tooLarge = await scene.worker.call(
      "PUT",
      path(lease.jobId, "diff.patch"),
      new Uint8Array(10 * 1024 * 1024 + 1),
      lease,
    );
    expect(tooLarge).toMatchObject({ status: 413, body: { code: "payload_too_large" } });
    await scene.worker.say(lease, "release");
    const { lease: next } = await scene.worker.claim();
    expect(next?.job.artifacts).toEqual(["tree.pack"]);
    if (!next) return;
    expect(
      Buffer.compare((await scene.worker.call("GET", path(next.jobId, "tree.pack"), undefined, next)).bytes, bytes),
    ).toBe(0);
    expect((await scene.worker.call("GET", path(next.jobId, "diff.patch"), undefined, next)).status).toBe(404);
  });

  it("case 19: a drained worker claims no more, and a released job loses no attempt", async () => {
    await using scene = await openQueueScene({ on: database() });
    const lease = await scene.lease();
    const renewing = scene.worker.say(lease, "renew", { waitS: 10 });
    const waiting = scene.worker.claim(20);
    const start = performance.now();

    await drainWorker(scene.deps, {
      workspaceId: scene.workspaceId,
      workerId: uuidOf("wrk", scene.worker.workerId),
    });
    expect(await waiting).toEqual({ lease: null, drain: true });
    expect((await renewing).body).toMatchObject({ drain: true, cancel: false });
    expect(performance.now() - start).toBeLessThan(2_000);
    await scene.worker.say(lease, "release");
    expect(await scene.job(lease.ids.runId)).toMatchObject({
      status: "pending",
      max_attempts: 4,
      running_jobs: 0,
    });
    const { lease: next } = await (await scene.addWorker("second")).claim();
    expect(next).toMatchObject({ jobId: lease.jobId, attempt: 2 });
  });
});
