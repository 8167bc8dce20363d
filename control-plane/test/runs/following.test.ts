import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { idOf } from "@feedback-chat/protocol/ids";
import { serve } from "@hono/node-server";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { sendOnWire } from "../../src/platform/send-on-wire.ts";
import { idsOf, read } from "../support/read-messages.ts";
import { runIn, type StandingRun } from "../support/run-standing.ts";
import { shareDatabase } from "../support/share-database.ts";
import { until } from "../support/until.ts";
import { openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

const database = shareDatabase("server");
const pathOf = (runId: string) => `/v1/runs/${idOf("run", runId)}/events`;

async function log({ worker, lease }: StandingRun, offset: number, count: number, size = 10) {
  if (!lease) throw new Error("There is no lease.");
  const at = new Date().toISOString();
  const lines = Array.from({ length: count }, (_, n) => ({
    at,
    level: "info",
    message: `${offset + n} ${"x".repeat(size)}`,
  }));
  const { status, body } = await worker.say(lease, "logs", { offset, lines });
  if (status !== 200) throw new Error(JSON.stringify(body));
}

const end = async ({ worker, lease }: StandingRun) =>
  lease && worker.say(lease, "fail", { code: "clone", reason: "No route.", retryable: false });
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe("following a run", () => {
  it("tells events, lines and cost as they come, and ends when the run is settled", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const run = await runIn(scene, "running");
    const response = await scene.ask("GET", pathOf(run.runId));
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const reading = read(response);
    await log(run, 0, 3);
    await end(run);
    const all = await reading;
    expect(idsOf(all)).toEqual(from(1, 7));
    expect(all.filter(({ event }) => event === "log").map(({ id }) => id)).toEqual([4, 5, 6]);
    expect(all.filter(({ event }) => event === "cost")).toHaveLength(1);
    expect(all.at(-1)).toMatchObject({ event: "end", data: { stage: "failed", reason: "clone" } });
  });

  it("case 30: resumes after a cut, wherever it came, without missing or repeating one", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const run = await runIn(scene, "running");
    const seen: number[] = [];
    for (let cut = 0; cut < 6; cut += 1) {
      await log(run, cut * 20, 20);
      const headers = seen.length > 0 ? { "last-event-id": String(seen.at(-1)) } : {};
      const response = await scene.ask("GET", pathOf(run.runId), undefined, headers);
      const messages = await read(response, (all) => idsOf(all).length >= 7 + cut);
      // The browser remembers the last one that it took, not what lies on the wire.
      seen.push(...idsOf(messages).slice(0, 7 + cut));
    }
    await end(run);
    const last = await scene.ask("GET", pathOf(run.runId), undefined, {
      "last-event-id": String(seen.at(-1)),
    });
    seen.push(...idsOf(await read(last)));
    expect(seen).toEqual(from(1, 3 + 120 + 1));
  });

  it.each(["999", "-1", "abc"])("case 30: answers the unknown id %s with a reset, and begins anew", async (id) => {
    await using scene = await openWebhookScene({ on: database() });
    const { runId } = await runIn(scene, "failed");
    const all = await read(await scene.ask("GET", pathOf(runId), undefined, { "last-event-id": id }));
    expect(all[0]).toMatchObject({ event: "reset", data: { reason: "unknown_id" } });
    expect(idsOf(all)).toEqual(from(1, 4));
  });

  it("case 23: a stream says something now and then, and closes when its reader may not read any more", async () => {
    await using scene = await openWebhookScene({
      on: database(),
      figures: { sseCommentSeconds: 0.05, accessRecheckSeconds: 0.1 },
    });
    const { runId } = await runIn(scene, "running");
    const response = await scene.ask("GET", pathOf(runId));
    let text = "";
    const reading = (async () => {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>)
        text += new TextDecoder().decode(chunk);
    })();
    await until(async () => text.includes(": \n\n"));
    await asSystem(scene.db, (tx) =>
      sql`update fc.api_keys set revoked_at = now() where kind = 'user' and user_id in
        (select user_id from fc.workspace_members where workspace_id = ${scene.workspaceId})`.execute(tx),
    );
    await reading;
    expect(text).not.toContain("event: end");
  });

  it("tells all readers of a run on their connections, counts them, and forgets those who go", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const run = await runIn(scene, "running");
    const { server, port } = await listenAs(scene);
    const key = await scene.keyOf("viewer");
    const leaving = new AbortController();
    const responses = await Promise.all(
      Array.from({ length: 40 }, () =>
        fetch(`http://127.0.0.1:${port}${pathOf(run.runId)}`, {
          headers: { authorization: `Bearer ${key}` },
          signal: leaving.signal,
        }),
      ),
    );
    expect(responses[0]?.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(responses[0]?.headers.get("x-request-id")).toMatch(/^req_/);
    await until(async () => scene.deps.streams.open === 40);
    const readings = responses.map((response) => read(response, (all) => idsOf(all).length >= 6));
    await log(run, 0, 3);
    for (const all of await Promise.all(readings)) expect(idsOf(all)).toEqual(from(1, 6));
    leaving.abort();
    await until(async () => scene.deps.streams.open === 0);
    await new Promise((resolve) => server.close(resolve));
  });

  it("case 31: bounds the memory of 100 readers that never read, closes them, and lets them resume", async () => {
    await using scene = await openWebhookScene({
      on: database(),
      figures: { sseCommentSeconds: 0.5 },
    });
    const run = await runIn(scene, "running");
    // 16 MiB of lines: 100 readers would need 1.6 GiB.
    for (let n = 0; n < 64; n += 1) await log(run, n * 30, 30, 8_000);
    const { server, port } = await listenAs(scene);
    const before = process.memoryUsage().rss;
    const sockets = await Promise.all(Array.from({ length: 100 }, () => deafReader(scene, port, run.runId)));
    const response = await scene.ask("GET", pathOf(run.runId));
    const read200 = await read(response, (all) => idsOf(all).length >= 200);
    expect(idsOf(read200).slice(0, 200)).toEqual(from(1, 200));
    await until(async () => sockets.every((socket) => socket.isClosed()), 30_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(700 * 1024 * 1024);
    await new Promise((resolve) => server.close(resolve));
  }, 90_000);
});

/** On a connection, as the server does it. */
async function listenAs({ app, deps }: WebhookScene) {
  const server = serve({
    fetch: async (request, env) => sendOnWire(deps.streams, await app.fetch(request, env), env),
    port: 0,
    hostname: "127.0.0.1",
  });
  await until(async () => server.listening);
  return { server, port: (server.address() as AddressInfo).port };
}

/** Asks, and takes nothing of the answer off the wire. `isClosed` looks without reading what lies there. */
async function deafReader({ keyOf }: WebhookScene, port: number, runId: string) {
  const socket = connect(port, "127.0.0.1");
  const key = await keyOf("viewer");
  socket.write(`GET ${pathOf(runId)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  socket.pause();
  let isGone = false;
  socket.on("close", () => (isGone = true)).on("error", () => (isGone = true));
  return {
    isClosed() {
      // A cut shows itself when something is written.
      if (!isGone) socket.write("\r\n");
      return isGone;
    },
  };
}

describe("following a project", () => {
  it("tells the events of all its runs from now on, and resumes by the project's own numbers", async () => {
    await using scene = await openWebhookScene({ on: database() });
    const path = `/v1/projects/${idOf("prj", scene.projectId)}/events`;
    const first = await scene.ask("GET", path);
    const reading = read(first, (all) => all.length >= 2);
    const { runId } = await runIn(scene, "failed");
    const seen = await reading;
    expect(seen[0]).toMatchObject({
      event: "stage",
      id: 1,
      data: { runId: idOf("run", runId), event: "admitted" },
    });
    const again = await scene.ask("GET", path, undefined, { "last-event-id": "2" });
    expect(idsOf(await read(again, (all) => all.length >= 2)).slice(0, 2)).toEqual([3, 4]);
    const unknown = await scene.ask("GET", path, undefined, { "last-event-id": "77" });
    expect(await read(unknown, (all) => all.length >= 1)).toMatchObject([{ event: "reset" }]);
  });
});
