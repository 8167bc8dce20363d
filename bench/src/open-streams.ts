import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Lease, leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";
import { idOf } from "@feedback-chat/protocol/ids";
import { startProgram } from "@feedback-chat/testing/start-program";
import { mintKey } from "../../control-plane/src/keys/mint-key.ts";
import { askOnce } from "./ask-once.ts";
import { openQueue, type Queue, serveQueue } from "./open-queue.ts";
import { queueClient } from "./queue-client.ts";
import { seedJobs } from "./seed-queue.ts";
import { type Reader, type ReadersSeen, stampNow, startStreamReaders } from "./stream-readers.ts";

/** One server with its readers. */
export type Streams = AsyncDisposable & {
  pid: number;
  /** Adds readers up to so many. */
  growTo(count: number): Promise<void>;
  /** A line for all of them; resolves when the server has taken it. */
  say(): Promise<void>;
  /** What its readers saw since the last time. */
  take(): Promise<ReadersSeen>;
  /** All readers go. */
  shut(): Promise<void>;
};

/** The product's: one run that a worker holds, its log written over HTTP, each reader with a key of its own. */
export async function openOurStreams(clusterUrl: string) {
  await using opened = new AsyncDisposableStack();
  const queue = opened.use(await openQueue(clusterUrl, { projects: 1, workers: 1 }));
  await seedJobs(queue.owner, { workspaceId: queue.workspaceId, count: 1 });
  const server = opened.use(await serveQueue(queue));
  const worker = queueClient(server.url, queue.key, queue.workerIds[0] ?? "");
  const lease = await worker.claim(10);
  if (!lease) throw new Error("Nothing was claimed.");
  const tell = tellUnder(`${server.url}/v1/jobs/${lease.jobId}`, queue.key, lease);
  const renewing = setInterval(() => void tell("renew", { waitS: 0 }), 8_000);
  opened.defer(() => clearInterval(renewing));
  const readers = opened.use(startStreamReaders());
  const [asking = ""] = await seedReaderKeys(queue, 1);
  let [count, offset] = [0, 0];
  const owned = opened.move();
  return {
    pid: server.pid,
    take: readers.take,
    async shut() {
      await readers.close();
      count = 0;
    },
    async growTo(wanted: number) {
      const keys = await seedReaderKeys(queue, wanted - count);
      count = wanted;
      await readers.open(server.url, keys.map((key) => ({ path: `/v1/runs/${lease.runId}/events`, key })));
    },
    async say() {
      const line = { at: new Date().toISOString(), level: "info", message: stampNow() };
      await tell("logs", { offset, lines: [line] });
      offset += 1;
    },
    /** What a person asks of the API meanwhile. @returns milliseconds. */
    async ask(): Promise<number> {
      const startMs = performance.now();
      const path = `/api/runs/${idOf("prj", queue.projectIds[0] ?? "")}`;
      await askOnce(`${server.url}${path}`, { headers: { authorization: `Bearer ${asking}` } });
      return performance.now() - startMs;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  } satisfies Streams & { ask(): Promise<number> };
} // prettier-ignore

/** The baseline: an echo of the same readers. */
export async function openBareStreams(): Promise<Streams> {
  await using opened = new AsyncDisposableStack();
  const file = fileURLToPath(new URL("bare-stream.ts", import.meta.url));
  const server = opened.use(startProgram(file, [], { PATH: process.env["PATH"] }));
  const url = String((await server.heard("listening"))["url"]);
  const readers = opened.use(startStreamReaders());
  let count = 0;
  const owned = opened.move();
  return {
    pid: server.pid,
    take: readers.take,
    async shut() {
      await readers.close();
      count = 0;
    },
    async growTo(wanted) {
      await readers.open(
        url,
        Array.from({ length: wanted - count }, (): Reader => ({ path: "/", key: "none" })),
      );
      count = wanted;
    },
    async say() {
      await askOnce(url, { method: "POST", body: stampNow() });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function tellUnder(url: string, key: string, lease: Lease) {
  return async (what: string, body: object) => {
    await askOnce(`${url}/${what}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        [leaseHeader]: leaseHeaderValue(lease),
      },
      body: JSON.stringify(body),
    });
  };
}

type Of = { owner: Queue["owner"]; projectIds: string[]; workspaceId: string };

/** Keys of the project that may read its runs: a reader each, so that none is admitted by another's. */
export async function seedReaderKeys({ owner, projectIds, workspaceId }: Of, count: number): Promise<string[]> {
  const minted = Array.from({ length: count }, () => mintKey("project"));
  await owner.query(
    `insert into fc.api_keys (id, workspace_id, project_id, kind, key_hash, prefix, scopes)
     select given.id, $1, $2, 'project', given.hash, given.prefix, '{runs:read}'
     from unnest($3::uuid[], $4::bytea[], $5::text[]) as given (id, hash, prefix)`,
    [workspaceId, projectIds[0], minted.map(() => randomUUID()), minted.map(({ hash }) => hash), minted.map(({ prefix }) => prefix)],
  );
  return minted.map(({ key }) => key);
} // prettier-ignore
