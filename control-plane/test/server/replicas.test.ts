import { randomUUID } from "node:crypto";
import { claimAnswer, type Lease, renewAnswer } from "@feedback-chat/protocol/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/call-server.ts";
import { openTwoReplicas, type TwoReplicas } from "../support/two-replicas.ts";
import type { TestWorker } from "../support/test-worker.ts";

let both: TwoReplicas;
beforeAll(async () => {
  both = await openTwoReplicas({ LIMIT_STRANGERS: "40" });
});
afterAll(() => both[Symbol.asyncDispose]());

async function claimed(worker: TestWorker): Promise<Lease> {
  const claiming = worker.claim(20);
  both.openIssue();
  const { lease } = await claiming;
  if (!lease) throw new Error("Nothing was claimed.");
  return lease;
}
const end = (worker: TestWorker, lease: Lease) =>
  worker.say(lease, "fail", { code: "clone", reason: "No route.", retryable: false });

type Stream = { ids: number[]; events: string[]; ended: Promise<void>; opened: boolean };

function follow(url: string, path: string, token = both.token): Stream {
  const stream: Stream = { ids: [], events: [], ended: Promise.resolve(), opened: false };
  const read = async () => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    stream.opened = response.ok;
    let rest = "";
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.startsWith("id: ")) stream.ids.push(Number(line.slice(4)));
        if (line.startsWith("event: ")) stream.events.push(line.slice(7));
      }
    }
  };
  stream.ended = read();
  return stream;
}

describe("two replicas on one Postgres", () => {
  it("migrate an empty database once, though both start at once", async () => {
    const ready = await Promise.all([both.a, both.b].map(({ server }) => server.event("database.ready")));
    const counts = ready.map(({ migrations }) => Number(migrations)).toSorted((one, other) => one - other);
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(5);
    for (const { url } of [both.a, both.b])
      expect((await call({ url }, "GET", "/api/healthz")).body["deps"]).toEqual({
        database: true,
        masterKey: true,
        queue: true,
      });
  });

  it("wake at the one a claim that waits, by a webhook that came to the other", async () => {
    const worker = await both.workerAt(both.b);
    const claiming = worker.claim(20);
    const began = performance.now();
    const issueNumber = both.openIssue();
    const { lease } = await claiming;
    expect(lease?.job.issueNumber).toBe(issueNumber);
    // Without the signal it would have looked again after ten seconds.
    expect(performance.now() - began).toBeLessThan(5_000);
    if (lease) await end(worker, lease);
  });

  it("tell at the one, in order and without a gap, what a worker does through the other", async () => {
    const worker = await both.workerAt(both.a);
    const lease = await claimed(worker);
    const stream = follow(both.b.url, `/v1/runs/${lease.runId}/events`);
    const at = new Date().toISOString();
    for (let offset = 0; offset < 40; offset += 4) {
      const lines = Array.from({ length: 4 }, (_, n) => ({ at, level: "info", message: `line ${offset + n}` }));
      expect((await worker.say(lease, "logs", { offset, lines })).status).toBe(200);
    }
    await worker.say(lease, "events", { eventId: randomUUID(), event: "phase_started", phase: "agent" });
    await end(worker, lease);
    await stream.ended;
    expect(stream.events.at(-1)).toBe("end");
    expect(stream.events.filter((event) => event === "log")).toHaveLength(40);
    expect(stream.ids).toEqual(Array.from({ length: stream.ids.length }, (_, n) => n + 1));
  });

  it("carry a cancel from the one to a worker that renews at the other, within two seconds", async () => {
    const worker = await both.workerAt(both.b);
    const lease = await claimed(worker);
    const renewing = worker.say(lease, "renew", { waitS: 10 });
    // Sent after it on its own connection; asked once, so that the renewal waits by then.
    await call(both.b, "GET", "/v1/me", { token: both.token });
    const began = performance.now();
    const path = `/api/runs/${both.projectId}/${lease.runId}/action`;
    expect((await call(both.a, "POST", path, { token: both.token, body: { action: "cancel" } })).status).toBe(202);
    expect(renewAnswer.parse((await renewing).body)).toMatchObject({ cancel: true });
    expect(performance.now() - began).toBeLessThan(2_000);
    await end(worker, lease);
  });

  it("hand one lease to a claim that is repeated at the other, and refuse the old lease on both", async () => {
    const [atA, atB] = [await both.workerAt(both.a), await both.workerAt(both.b)];
    const claimId = randomUUID();
    both.openIssue();
    const { lease } = await atA.claim(20, claimId);
    const again = await atB.call("POST", "/v1/jobs/claim", { workerId: atA.workerId, claimId, waitS: 0 });
    expect(claimAnswer.parse(again.body).lease).toMatchObject({ jobId: lease?.jobId, token: lease?.token, attempt: 1 });
    if (!lease) return;
    expect((await atB.say(lease, "release")).status).toBe(200);
    for (const worker of [atA, atB])
      expect((await worker.say(lease, "permit", permit)).body).toMatchObject({ code: "lease_lost" });
    const { lease: next } = await atB.claim(20);
    expect(next).toMatchObject({ jobId: lease.jobId, attempt: 2 });
    if (next) await end(atA, next);
  });

  it("end the streams of a revoked key on both, and each counts its own readers", async () => {
    const keys = `/v1/projects/${both.projectId}/keys`;
    const made = await call(both.a, "POST", keys, {
      token: both.token,
      body: { name: "reader", scopes: ["runs:read"] },
    });
    const { key, id } = made.body as { key: string; id: string };
    const worker = await both.workerAt(both.a);
    const lease = await claimed(worker);
    const streams = [both.a, both.b].map(({ url }) => follow(url, `/v1/runs/${lease.runId}/events`, key));
    await expect.poll(() => streams.every(({ events }) => events.length > 0), { timeout: 10_000 }).toBe(true);
    const readersAt = async ({ url }: { url: string }) => {
      const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${both.token}` } });
      return /^feedback_chat_sse_readers (\d+)$/m.exec(await metrics.text())?.[1];
    };
    const more = follow(both.b.url, `/v1/runs/${lease.runId}/events`);
    await expect.poll(() => more.events.length > 0, { timeout: 10_000 }).toBe(true);
    expect([await readersAt(both.a), await readersAt(both.b)]).toEqual(["1", "2"]);
    const began = performance.now();
    expect((await call(both.b, "DELETE", `/v1/keys/${id}`, { token: both.token })).status).toBeLessThan(300);
    await Promise.all(streams.map(({ ended }) => ended));
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const { url } of [both.a, both.b]) {
      const answer = await call({ url }, "GET", `/v1/runs/${lease.runId}`, { token: key });
      expect(answer.status).toBe(401);
    }
    for (const { events } of streams) expect(events).not.toContain("end");
    expect([await readersAt(both.a), await readersAt(both.b)]).toEqual(["0", "1"]);
    await end(worker, lease);
    await more.ended;
    expect(await readersAt(both.b)).toBe("0");
  });

  it("answer the request that was made at the one, when its key comes again at the other", async () => {
    const body = { name: "twice", githubRepo: "acme/twice" };
    const headers = { "idempotency-key": randomUUID() };
    const [first, second] = [
      await call(both.a, "POST", "/v1/projects", { token: both.token, body, headers }),
      await call(both.b, "POST", "/v1/projects", { token: both.token, body, headers }),
    ];
    expect(first.status).toBe(201);
    expect(second.body).toEqual(first.body);
  });

  it("count a stranger's guesses together", async () => {
    const began = performance.now();
    const guess = async ({ url }: { url: string }) =>
      (await call({ url }, "GET", "/v1/me", { token: `fcu_${"x".repeat(40)}` })).status;
    const askedAt = (replica: { url: string }) => Promise.all(Array.from({ length: 60 }, () => guess(replica)));
    const [atA, atB] = await Promise.all([askedAt(both.a), askedAt(both.b)]);
    const served = [...atA, ...atB].filter((status) => status === 401).length;
    // Forty a minute, and those that came back meanwhile; each by itself would have served as many.
    expect(served).toBeLessThanOrEqual(41 + ((performance.now() - began) / 60_000) * 40);
    for (const statuses of [atA, atB]) expect(statuses).toContain(429);
  });
});

const permit = {
  treeId: "a".repeat(40), baseSha: "b".repeat(40), hasHoldVerdict: false, hasFlag: false, checks: "green", isUnfinished: false,
}; // prettier-ignore
