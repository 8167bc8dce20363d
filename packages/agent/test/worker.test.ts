import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scaledFigures, type Figures } from "@feedback-chat/protocol/figures";
import { noProxies } from "@feedback-chat/protocol/http-proxies";
import { Problem } from "@feedback-chat/protocol/problem";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type PipelineEnd, problemEnd } from "../src/pipeline-end.ts";
import { openHttpCoordinator } from "../src/coordinators/http.ts";
import { newUuid } from "../src/platform/new-id.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import type { RunJob } from "../src/worker/execute-job.ts";
import type { EventLog } from "../src/platform/event-log.ts";
import { createHttpClient, type HttpSettings } from "../src/platform/http-client.ts";
import { createReachGate } from "../src/platform/reach-gate.ts";
import { tellOutage } from "../src/platform/tell-outage.ts";
import { runWorker, type WorkerDeps, type WorkerSettings } from "../src/worker/run-worker.ts";
import { createUnsealKey } from "../src/coordinators/unseal-credential.ts";
import { startProtocolServer } from "./protocol-server.ts";

const clock = systemClock();
const figures = scaledFigures(0.1);
const published: PipelineEnd = {
  kind: "published",
  outcome: {
    kind: "published",
    prNumber: 1,
    prUrl: "http://127.0.0.1:1/pull/1",
    headSha: "0".repeat(40),
    isDraft: true,
  },
};

let server: Awaited<ReturnType<typeof startProtocolServer>>;
let folder: string;
let events: Record<string, unknown>[];
const ending: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  events = [];
  server = await startProtocolServer();
  folder = await mkdtemp(join(tmpdir(), "worker-"));
});
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Runs until the run's signal stops it, like an agent that never ends. */
const untilStopped: RunJob = ({ signal }) =>
  new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve({ kind: "stopped", cause: signal.reason }), {
      once: true,
    }),
  );

async function start(
  runJob: RunJob,
  change: {
    settings?: Partial<WorkerSettings>;
    deps?: Partial<WorkerDeps>;
    figures?: Figures;
    http?: Partial<HttpSettings>;
  } = {},
) {
  const log: EventLog = (_level, event, fields = {}) => void events.push({ event, ...fields });
  const used = change.figures ?? figures;
  const gate = createReachGate(
    { clock, random: () => 0 },
    { firstMs: used.renewEverySeconds * 110, longestMs: () => used.renewEverySeconds * 200 },
  );
  const http = createHttpClient(
    { clock, gate, outage: tellOutage({ clock, log }) },
    {
      baseUrl: change.http?.baseUrl ?? server.url,
      workerKey: "fcw_test",
      version: "0.1.0",
      connectSeconds: 5,
      totalSeconds: 30,
      httpProxies: change.http?.httpProxies ?? noProxies,
    },
  );
  const unsealKey = await createUnsealKey();
  const localCredentials = change.settings?.localCredentials ?? {};
  const spoolFolder = join(folder, "spool");
  const flushMs = used.logFlushSeconds * 1000;
  const worker = runWorker(
    {
      clock, newUuid, http, runJob, log,
      openCoordinator: (lease, lost) =>
        openHttpCoordinator({ http, clock, newUuid, unsealKey, localCredentials, onLogError: () => undefined }, { lease, lost, spoolFolder, flushMs }),
      selfTest: async () => ({ sandbox: "bubblewrap" }), sweep: async () => undefined, ...change.deps,
    }, // prettier-ignore
    {
      name: "test", concurrency: 1, isOnce: false, figures: used, localCredentials, drainTimeoutSeconds: 60, publicKey: unsealKey.publicKey, version: "0.1.0",
      engines: ["command"], ...change.settings,
    }, // prettier-ignore
  );
  ending.push(async () => {
    worker.release();
    await worker.done;
    await http.close();
  });
  return worker;
}

describe("a worker", () => {
  it("runs a job that comes while it waits, and tells its end once", async () => {
    await start(async () => published);
    await vi.waitFor(() => expect(server.requests.some(({ path }) => path === "/v1/jobs/claim")).toBe(true));
    const job = server.addJob();
    await vi.waitFor(() => expect(job.ending).toEqual({ verb: "complete", body: { outcome: published.outcome } }));
    expect(job.attempt).toBe(1);
  });

  it("runs no more jobs at once than it has slots, and all of them in the end", async () => {
    let running = 0;
    let most = 0;
    for (let count = 0; count < 6; count += 1) server.addJob();
    await start(
      async () => {
        most = Math.max(most, (running += 1));
        await clock.wait(20);
        running -= 1;
        return published;
      },
      { settings: { concurrency: 2 } },
    );
    await vi.waitFor(() => expect(server.jobs.every(({ status }) => status === "done")).toBe(true));
    expect(most).toBe(2);
  });

  it("renews for as long as the job runs", async () => {
    const job = server.addJob();
    await start(untilStopped);
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(5), { timeout: 5_000 });
    expect(job.ending).toBeNull();
  });

  it("stops a cancelled job within 2 seconds and says so", async () => {
    const job = server.addJob();
    await start(untilStopped);
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(0));
    const cancelledAt = performance.now();
    job.isCancelled = true;
    server.wake();
    await vi.waitFor(
      () =>
        expect(job.ending).toMatchObject({
          verb: "fail",
          body: { code: "cancelled", retryable: false },
        }),
      { timeout: 3_000 },
    );
    expect(performance.now() - cancelledAt).toBeLessThan(2_000);
  });

  it("stops a job that another attempt holds, and says nothing more about it", async () => {
    const job = server.addJob();
    let cause: unknown;
    await start(async (input) => {
      const end = await untilStopped(input);
      cause = input.signal.reason;
      return end;
    });
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(0));
    server.fence(job);
    await vi.waitFor(() => expect(cause).toBe("lease_lost"), { timeout: 3_000 });
    expect(job.ending).toBeNull();
  });

  it("stops a job by its own clock when no renewal comes through", async () => {
    server.addJob();
    const stopped = Promise.withResolvers<number>();
    await start(async (input) => {
      const end = await untilStopped(input);
      stopped.resolve(performance.now());
      return end;
    });
    await vi.waitFor(() => expect(server.jobs[0]?.renewals).toBeGreaterThan(0));
    const goneAt = performance.now();
    await server.stop();
    const tookMs = (await stopped.promise) - goneAt;
    await server.start();
    expect(tookMs).toBeGreaterThan(1_500);
    expect(tookMs).toBeLessThan(3_500); // 30 s, at a tenth
  });

  it("goes on with the same attempt after the server was gone for two thirds of a lease, and loses no log line", async () => {
    const job = server.addJob();
    const back = Promise.withResolvers<void>();
    await start(async ({ coordinator }) => {
      coordinator.log("info", "before");
      await vi.waitFor(() => expect(job.lines.length).toBe(1));
      await server.stop();
      coordinator.log("info", "while it is gone");
      await clock.wait(2_000);
      await server.start();
      await coordinator.report("phase_started", "agent");
      coordinator.log("info", "after");
      back.resolve();
      return published;
    });
    await back.promise;
    await vi.waitFor(() => expect(job.ending?.verb).toBe("complete"), { timeout: 5_000 });
    expect(job.attempt).toBe(1);
    expect(job.lines.map(({ message }) => message)).toEqual(["before", "while it is gone", "after"]);
  });

  it("knocks less than once a second while the control plane is gone", async () => {
    await start(async () => published, { figures: scaledFigures(1), settings: { concurrency: 4 } });
    await vi.waitFor(() => expect(server.requests.filter(({ path }) => path === "/v1/jobs/claim").length).toBe(4));
    await server.stop();
    const knocks: number[] = [];
    const { createServer } = await import("node:net");
    const deaf = createServer((socket) => {
      knocks.push(performance.now());
      socket.destroy();
    });
    await new Promise<void>((resolve) => deaf.listen(Number(new URL(server.url).port), "127.0.0.1", resolve));
    const listenedAt = performance.now();
    await vi.waitFor(() => expect(knocks.length).toBeGreaterThan(3), { timeout: 20_000 });
    const seconds = (performance.now() - listenedAt) / 1000;
    await new Promise((resolve) => deaf.close(resolve));
    await server.start();
    expect(knocks.length / seconds).toBeLessThan(1);
  }, 30_000);

  it("gets the same lease again when the answer to its claim was lost", async () => {
    const job = server.addJob();
    server.dropNextAnswer("/v1/jobs/claim");
    const attempts: number[] = [];
    await start(async ({ lease }) => (attempts.push(lease.attempt), published));
    await vi.waitFor(() => expect(job.ending?.verb).toBe("complete"), { timeout: 5_000 });
    expect(attempts).toEqual([1]);
  });

  it("sends lines in order, at once, and again from where the server has a gap", async () => {
    const job = server.addJob();
    await start(async ({ coordinator }) => {
      for (let count = 0; count < 1_200; count += 1) coordinator.log("info", `line ${count}`);
      await vi.waitFor(() => expect(job.lines.length).toBe(1_200), { timeout: 5_000 });
      server.loseLines(700);
      coordinator.log("info", "the last");
      return published;
    });
    await vi.waitFor(() => expect(job.ending?.verb).toBe("complete"), { timeout: 10_000 });
    const expected = Array.from({ length: 1_200 }, (_, count) => `line ${count}`);
    expect(job.lines.map(({ message }) => message)).toEqual([...expected, "the last"]);
    await vi.waitFor(async () => expect(await readdir(join(folder, "spool"))).toEqual([]));
  });

  it("opens a credential that was sealed to its key, lease and purpose", async () => {
    server.addJob();
    const got = Promise.withResolvers<unknown>();
    await start(async ({ coordinator }) => {
      got.resolve(await coordinator.credential("model"));
      return published;
    });
    expect(await got.promise).toEqual({ type: "anthropic_api_key", value: "secret-for-model" });
  });

  it("asks once for a credential that the server cannot open, and parks the job until it can", async () => {
    const job = server.addJob();
    server.state.isVaultShut = true;
    await start(({ coordinator }) =>
      coordinator.credential("clone").then(
        () => published,
        (error: unknown) => problemEnd(error, "snapshot"),
      ),
    );
    await vi.waitFor(() => expect(job.ending).not.toBeNull());
    expect(job.ending).toMatchObject({
      verb: "wait",
      body: { for: "credential", reason: "Its master key is lost.", resumeAt: "snapshot" },
    });
    expect(server.requests.filter(({ path }) => path.endsWith("/credentials"))).toHaveLength(1);
  });

  it("uses its owner's credential without asking, and announces its kind only", async () => {
    server.addJob();
    const own = { type: "github_token", value: "ghp_own" };
    const got = Promise.withResolvers<unknown>();
    await start(
      async ({ coordinator }) => {
        got.resolve(await coordinator.credential("clone"));
        return published;
      },
      { settings: { localCredentials: { clone: own, publish: own } } },
    );
    expect(await got.promise).toEqual(own);
    expect(server.requests.some(({ path }) => path.endsWith("/credentials"))).toBe(false);
    expect(JSON.stringify(server.state.registered)).toContain('"localCredentials":["github_token"]');
    expect(JSON.stringify(server.state.registered)).not.toContain("ghp_own");
  });

  it("reports a bug of its own as a failure that may be tried again, and takes the next job", async () => {
    const broken = server.addJob();
    await start(async ({ lease }) => {
      if (lease.jobId === broken.jobId) throw new TypeError("not a function");
      return published;
    });
    const next = server.addJob();
    await vi.waitFor(() => expect(next.ending?.verb).toBe("complete"));
    expect(broken.ending).toMatchObject({
      verb: "fail",
      body: { code: "internal_error", retryable: true },
    });
  });
});

describe("a worker that cannot register", () => {
  const cannotReach = () =>
    vi.waitFor(() => events.find(({ event }) => event === "worker.cannot_reach") ?? expect.fail(), soon);
  const soon = { timeout: 5_000 };

  it("says that the connection was refused, goes on, and says when it has reached the server", async () => {
    await server.stop();
    await start(async () => published);
    expect(await cannotReach()).toMatchObject({ code: "network", error: expect.stringContaining("ECONNREFUSED") });
    await server.start();
    await vi.waitFor(() => expect(events.map(({ event }) => event)).toContain("worker.registered"), soon);
    expect(events.map(({ event }) => event)).toContain("worker.reached_again");
  });

  it("names the proxy and its status, and never the password", async () => {
    const proxy = await startRefusingProxy(503);
    ending.push(proxy.close);
    const httpProxies = {
      ...noProxies,
      httpProxy: `http://ada:hunter2@127.0.0.1:${proxy.port}`,
      httpsProxy: `http://ada:hunter2@127.0.0.1:${proxy.port}`,
    };
    await start(async () => published, { http: { baseUrl: "https://control.example", httpProxies } });
    const said = await cannotReach();
    expect(said).toMatchObject({ code: "network", error: expect.stringContaining("the proxy answered 503") });
    expect(said["error"]).toContain(`https://control.example, through the proxy http://127.0.0.1:${proxy.port}`);
    expect(JSON.stringify(events)).not.toContain("hunter2");
  });

  it("reaches a control plane on loopback past a proxy", async () => {
    const proxy = await startRefusingProxy(503);
    ending.push(proxy.close);
    await start(async () => published, {
      http: { httpProxies: { ...noProxies, httpProxy: `http://127.0.0.1:${proxy.port}` } },
    });
    await vi.waitFor(() => expect(events.map(({ event }) => event)).toContain("worker.registered"), soon);
    expect(proxy.asked).toEqual([]);
  });
});

/** Answers every request and every tunnel with `status`. */
async function startRefusingProxy(status: number) {
  const asked: string[] = [];
  const proxy = createServer((request, answer) => {
    asked.push(request.url ?? "");
    answer.writeHead(status).end();
  });
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const close = () => new Promise<unknown>((resolve) => proxy.close(resolve));
  return { asked, close, port: (proxy.address() as AddressInfo).port };
}

describe("the end of a worker", () => {
  it("drains: the running job ends as it would, and no other is claimed", async () => {
    const job = server.addJob();
    const go = Promise.withResolvers<void>();
    const worker = await start(async () => (await go.promise, published));
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(0));
    worker.drain();
    const later = server.addJob();
    const renewals = job.renewals;
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(renewals + 2), { timeout: 5_000 });
    go.resolve();
    expect(await worker.done).toMatchObject({ exitCode: 0 });
    expect(job.ending?.verb).toBe("complete");
    expect(later.attempt).toBe(0);
  });

  it("gives a job back at once when it is released", async () => {
    const job = server.addJob();
    const worker = await start(untilStopped);
    await vi.waitFor(() => expect(job.renewals).toBeGreaterThan(0));
    worker.drain();
    worker.release();
    expect(await worker.done).toMatchObject({ exitCode: 0 });
    expect(job).toMatchObject({ status: "pending", ending: { verb: "release" } });
  });

  it("ends while it waits for a job, within a moment", async () => {
    const worker = await start(async () => published);
    await vi.waitFor(() => expect(server.requests.some(({ path }) => path === "/v1/jobs/claim")).toBe(true));
    worker.drain();
    expect(await worker.done).toMatchObject({ exitCode: 0, reason: "drained" });
  });

  it("drains when the server asks for it", async () => {
    const worker = await start(async () => published);
    server.state.isDraining = true;
    server.wake();
    expect(await worker.done).toMatchObject({ exitCode: 0 });
  });

  it("is 78 when the key is revoked while it waits", async () => {
    const worker = await start(async () => published);
    await vi.waitFor(() => expect(server.requests.some(({ path }) => path === "/v1/jobs/claim")).toBe(true));
    server.state.key = "fcw_other";
    await server.stop();
    await server.start();
    expect(await worker.done).toMatchObject({ exitCode: 78, problem: { code: "unauthenticated" } });
  });

  it("is 78 when its version is no longer served", async () => {
    server.state.needsUpgrade = true;
    const worker = await start(async () => published);
    expect(await worker.done).toMatchObject({
      exitCode: 78,
      problem: { code: "upgrade_required" },
    });
  });

  it("is 78 without a sandbox, and no job is claimed", async () => {
    const job = server.addJob();
    const worker = await start(async () => published, {
      deps: {
        selfTest: async () => Promise.reject(new Problem("sandbox_unavailable", "bwrap was not found.")),
      },
    });
    expect(await worker.done).toMatchObject({
      exitCode: 78,
      problem: { code: "sandbox_unavailable" },
    });
    expect(job.attempt).toBe(0);
  });

  const ends: [string, PipelineEnd, number][] = [
    ["0 for a published job", published, 0],
    ["8 for a held one", { kind: "waiting", request: { for: "approval", resumeAt: "publish" } }, 8],
    ["1 for a failed one", { kind: "failed", code: "no_change", reason: "Nothing changed.", isRetryable: false }, 1],
  ];
  it.each(ends)("is, with --once, %s", async (_name, end, exitCode) => {
    server.addJob();
    const worker = await start(async () => end, { settings: { isOnce: true } });
    expect(await worker.done).toMatchObject({ exitCode });
  });

  it("is 0 with --once and an empty queue", async () => {
    const worker = await start(async () => published, { settings: { isOnce: true } });
    expect(await worker.done).toMatchObject({ exitCode: 0 });
  });
});
