import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { LeasedJob } from "@feedback-chat/protocol/job";
import { nothingUsed, runSettings } from "@feedback-chat/protocol/job";
import { idOf } from "@feedback-chat/protocol/ids";
import { Problem, isProblem, problems, toProblemDetails } from "@feedback-chat/protocol/problem";
import {
  claimRequest, completeRequest, credentialInfo, credentialsRequest, eventRequest, failRequest, logsRequest,
  permitRequest, registerRequest, renewRequest, reserveRequest, settleRequest, waitRequest,
} from "@feedback-chat/protocol/worker"; // prettier-ignore
import { v7 } from "uuid";

/** One job of the small server, and all that a worker said about it. */
export type ServedJob = {
  jobId: `job_${string}`;
  runId: `run_${string}`;
  job: LeasedJob;
  status: "pending" | "processing" | "done";
  attempt: number;
  token: string;
  isCancelled: boolean;
  lines: { at: string; level: string; message: string }[];
  events: { event: string; phase?: string | undefined }[];
  artifacts: Map<string, Uint8Array>;
  renewals: number;
  ending: { verb: string; body: unknown } | null;
  spentMicroUsd: number;
};

const workerId = idOf("wrk", v7());

/** The worker protocol without a database: enough of a control plane to make a worker meet every answer. */
export async function startProtocolServer() {
  const jobs: ServedJob[] = [];
  const claims = new Map<string, ServedJob>();
  const requests: { path: string; atMs: number }[] = [];
  const wakers = new Set<() => void>();
  const state = {
    key: "fcw_test",
    isDraining: false,
    needsUpgrade: false,
    isVaultShut: false,
    publicKey: "",
    registered: [] as unknown[],
  };
  let lostLines = 0;
  let pathToDrop: string | undefined;
  let server: Server;
  let port = 0;
  await listen();

  function wake(): void {
    for (const waker of wakers) waker();
  }
  async function until(isTrue: () => boolean, waitSeconds: number, request: IncomingMessage): Promise<void> {
    const end = Date.now() + waitSeconds * 1000;
    while (!isTrue() && Date.now() < end && !request.socket.destroyed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, end - Date.now());
        function done() {
          clearTimeout(timer);
          wakers.delete(done);
          request.socket.off("close", done);
          resolve();
        }
        wakers.add(done);
        request.socket.once("close", done);
      });
    }
  }
  const pending = () => jobs.find(({ status }) => status === "pending");

  async function handle(request: IncomingMessage, path: string, raw: Buffer): Promise<unknown> {
    if (request.headers.authorization !== `Bearer ${state.key}`)
      throw new Problem("unauthenticated", "The key is not known.");
    const body = () => JSON.parse(raw.toString("utf8")) as unknown;
    if (path === "/v1/workers") {
      const worker = registerRequest.parse(body());
      state.publicKey = worker.publicKey;
      state.registered.push(worker);
      return { workerId };
    }
    if (path === "/v1/jobs/claim") {
      if (state.needsUpgrade) throw new Problem("upgrade_required", "Version 9 is served.");
      const { claimId, waitS } = claimRequest.parse(body());
      await until(() => claims.has(claimId) || state.isDraining || pending() !== undefined, waitS, request);
      const job = claims.get(claimId) ?? (state.isDraining ? undefined : pending());
      if (!job || job.status === "done") return { lease: null, drain: state.isDraining };
      if (!claims.has(claimId)) {
        claims.set(claimId, job);
        Object.assign(job, { status: "processing", attempt: job.attempt + 1, token: v7() });
      }
      return {
        lease: { ...pick(job), expiresAt: new Date().toISOString() },
        drain: state.isDraining,
      };
    }
    const [, , , jobId, verb = "", name = ""] = path.split("/");
    const job = jobs.find((one) => one.jobId === jobId);
    if (!job) throw new Problem("not_found", "No such job.");
    const isHolder = request.headers["lease"] === `${job.attempt}.${job.token}`;
    const ends = ["complete", "fail", "wait", "release"];
    if (isHolder && job.ending && ends.includes(verb)) {
      if (JSON.stringify(job.ending) !== JSON.stringify({ verb, body: body() }))
        throw new Problem("already_final", "It has ended.");
      return {};
    }
    if (!isHolder || job.status !== "processing") throw new Problem("lease_lost", "Another attempt holds it.");
    switch (verb) {
      case "renew": {
        const { waitS } = renewRequest.parse(body());
        job.renewals += 1;
        await until(
          () => job.isCancelled || state.isDraining || job.status !== "processing" || state.key === "",
          waitS,
          request,
        );
        return {
          expiresAt: new Date().toISOString(),
          cancel: job.isCancelled,
          drain: state.isDraining,
        };
      }
      case "events":
        job.events.push(eventRequest.parse(body()));
        return { seq: job.events.length, stage: "running" };
      case "logs": {
        const { offset, lines } = logsRequest.parse(body());
        job.lines.splice(job.lines.length - lostLines);
        lostLines = 0;
        if (offset > job.lines.length)
          throw new Problem("log_gap", "Lines are missing.", {
            facts: { ackedOffset: job.lines.length },
          });
        job.lines.push(...lines.slice(job.lines.length - offset));
        wake();
        return { ackedOffset: job.lines.length };
      }
      case "permit":
        permitRequest.parse(body());
        if (job.job.origin === "public" && job.job.approvedBy === null)
          throw new Problem("not_permitted", "The words came from the public.");
        return { permitId: v7(), approvedBy: job.job.approvedBy };
      case "credentials": {
        const { purpose } = credentialsRequest.parse(body());
        if (state.isVaultShut) throw new Problem("vault_shut", "Its master key is lost.");
        return {
          sealed: await seal(state.publicKey, `secret-for-${purpose}`, credentialInfo(job, purpose)),
        };
      }
      case "spend":
        if (name === "settle") job.spentMicroUsd += settleRequest.parse(body()).microUsd;
        else return { reservationId: reserveRequest.parse(body()).requestId };
        return { costMicroUsd: job.spentMicroUsd, inputTokens: 0, outputTokens: 0 };
      case "artifacts": {
        if (request.method === "PUT") return job.artifacts.set(name, new Uint8Array(raw)) && {};
        const bytes = job.artifacts.get(name);
        if (!bytes) throw new Problem("not_found", "No such artifact.");
        return bytes;
      }
      default: {
        const schema = { complete: completeRequest, fail: failRequest, wait: waitRequest }[verb];
        job.ending = { verb, body: schema ? schema.parse(body()) : body() };
        job.status = verb === "release" ? "pending" : "done";
        wake();
        return {};
      }
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    requests.push({ path, atMs: performance.now() });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    try {
      const result = await handle(request, path, Buffer.concat(chunks));
      if (path === pathToDrop) {
        pathToDrop = undefined;
        return void response.destroy();
      }
      const isBytes = result instanceof Uint8Array;
      response.writeHead(200, {
        "content-type": isBytes ? "application/octet-stream" : "application/json",
      });
      response.end(isBytes ? result : JSON.stringify(result));
    } catch (error) {
      const problem = isProblem(error) ? error : new Problem("invalid_request", String(error));
      response.writeHead(problems[problem.code].status, {
        "content-type": "application/problem+json",
      });
      response.end(JSON.stringify(toProblemDetails(problem, v7())));
    }
  }

  async function listen(): Promise<void> {
    server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  }
  async function stop(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    jobs,
    requests,
    state,
    wake,
    /** The next request of that path is handled, and its answer lost. */
    dropNextAnswer: (path: string) => void (pathToDrop = path),
    /** As after a restore: the newest lines are gone, though they were acknowledged. */
    loseLines: (count: number) => void (lostLines = count),
    addJob(change: Partial<LeasedJob> = {}): ServedJob {
      const job = servedJob(change);
      jobs.push(job);
      wake();
      return job;
    },
    /** What the sweeper does when a lease ran out: another attempt's token. */
    fence(job: ServedJob): void {
      job.token = v7();
      wake();
    },
    stop,
    start: listen,
    [Symbol.asyncDispose]: stop,
  };
}

function pick({ jobId, runId, attempt, token, job }: ServedJob) {
  return { jobId, runId, attempt, token, job };
}

async function seal(publicKey: string, secret: string, info: string) {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(Buffer.from(publicKey, "base64url"));
  const sender = await suite.createSenderContext({
    recipientPublicKey,
    info: new TextEncoder().encode(info),
  });
  const ciphertext = await sender.seal(new TextEncoder().encode(secret));
  const text = (bytes: ArrayBuffer) => Buffer.from(bytes).toString("base64url");
  return { type: "anthropic_api_key", enc: text(sender.enc), ciphertext: text(ciphertext) };
}

export function leasedJobOf(change: Partial<LeasedJob> = {}): LeasedJob {
  return {
    projectId: idOf("prj", v7()),
    issueNumber: 42,
    repository: {
      id: 7,
      fullName: "acme/shop",
      cloneUrl: "http://127.0.0.1:1/acme/shop.git",
      apiUrl: "http://127.0.0.1:1",
      isPrivate: true,
    },
    branch: "feedback/issue-42-abcd",
    origin: "maintainer",
    triggeredBy: "ada",
    resumeAt: "snapshot",
    snapshot: {
      issueNumber: 42, issueUrl: "http://127.0.0.1:1/acme/shop/issues/42", title: "The total is wrong", body: "Two times 5 gives 11.",
      labels: ["auto-implement"], author: "ada", comments: [], frozenAt: new Date(0).toISOString(),
    }, // prettier-ignore
    settings: runSettings.parse({}),
    changeRequest: null,
    question: null,
    approvedBy: null,
    prNumber: null,
    artifacts: [],
    used: nothingUsed,
    loggedBytes: 0,
    ...change,
  };
}

function servedJob(change: Partial<LeasedJob>): ServedJob {
  return {
    jobId: idOf("job", v7()), runId: idOf("run", v7()), job: leasedJobOf(change), status: "pending", attempt: 0, token: "",
    isCancelled: false, lines: [], events: [], artifacts: new Map(), renewals: 0, ending: null, spentMicroUsd: 0,
  }; // prettier-ignore
}
