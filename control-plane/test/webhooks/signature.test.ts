import { createHmac } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { mountRoutes } from "../../src/platform/mount-routes.ts";
import { openServer } from "../../src/platform/open-server.ts";
import { routes } from "../../src/webhooks/routes.ts";
import { quietLog } from "../support/open-test-database.ts";
import { issueEvent, openWebhookScene, type WebhookScene } from "../support/webhook-scene.ts";

let scene: WebhookScene;
beforeAll(async () => {
  scene = await openWebhookScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

async function stored(): Promise<number> {
  const { rows } = await asSystem(scene.db, (tx) =>
    sql<{
      n: number;
    }>`select (select count(*) from fc.webhook_events)::int + (select count(*) from fc.pipeline_runs)::int as n`.execute(
      tx,
    ),
  );
  return rows[0]?.n ?? -1;
}

describe("case 1: a delivery that nobody of ours signed", () => {
  const body = JSON.stringify(issueEvent());
  const sha1 = `sha1=${createHmac("sha1", "it's a Secret to Everybody").update(body).digest("hex")}`;
  it.each([
    ["absent", { "x-hub-signature-256": "" }, undefined],
    ["malformed", { "x-hub-signature-256": "sha256=zz" }, undefined],
    ["SHA-1 only", { "x-hub-signature-256": "", "x-hub-signature": sha1 }, undefined],
    ["wrong", { "x-hub-signature-256": `sha256=${"ab".repeat(32)}` }, undefined],
    ["of an unknown project", {}, idOf("prj", newId())],
    ["of no project at all", {}, "prj_nonsense"],
  ])("with a signature that is %s gets the same 401 and leaves nothing", async (_what, headers, project) => {
    const before = await stored();
    const answer = await scene.deliver(body, { headers, ...(project ? { project } : {}) });
    const { requestId, ...rest } = answer.body;
    expect(requestId).toMatch(/^req_/);
    expect(rest).toEqual({
      type: "https://feedback.chat/problems/bad-signature",
      title: "The webhook's signature does not match",
      status: 401,
      detail: "The request is not signed with this project's webhook secret.",
      code: "bad_signature",
      next: "Compare the webhook's secret on GitHub with the project's.",
    });
    expect(await stored()).toBe(before);
  });
});

describe("case 10: a database that is down", () => {
  it("answers 503 within 5 seconds, so that the delivery is known as failed", async () => {
    await using database = openServer({ log: quietLog }, { url: "postgres://127.0.0.1:1/none", poolSize: 2 });
    const { db } = database;
    const authentication = { callerOf: async () => ({ caller: { kind: "anyone" as const } }) };
    const app = mountRoutes({ db, log: quietLog, authentication, features: { ...scene.deps, db } }, routes);
    const began = performance.now();
    const path = `/api/webhook/${idOf("prj", scene.projectId)}`;
    const response = await app.request(path, { method: "POST", body: "{}" });
    expect([response.status, performance.now() - began < 5_000]).toEqual([503, true]);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  });
});

describe("case 3: what starts nothing", () => {
  it.each([
    ["push", { ref: "refs/heads/main" }],
    ["constructor", {}],
    ["__proto__", {}],
    ["some_event_of_tomorrow", { action: "created" }],
    ["issues", { ...issueEvent({ action: "pinned" }) }],
  ])("ignores %s", async (event, payload) => {
    const { repository } = issueEvent();
    const answer = await scene.deliver({ repository, ...payload }, { event });
    expect(answer).toMatchObject({ status: 200, body: { status: "ignored" } });
  });

  it("answers a ping and notes that the webhook is verified", async () => {
    const { repository } = issueEvent();
    const answer = await scene.deliver({ zen: "Speak like a human.", repository }, { event: "ping" });
    expect(answer).toEqual({ status: 200, body: { status: "pong" } });
    const { rows } = await asSystem(scene.db, (tx) =>
      sql`select from fc.projects where webhook_verified_at is not null`.execute(tx),
    );
    expect(rows).toHaveLength(1);
  });

  it.each(["", "no JSON", "[]", '{"action":7}', '"text"'])("refuses signed garbage: %j", async (body) => {
    expect(await scene.deliver(body)).toMatchObject({
      status: 400,
      body: { code: "bad_payload" },
    });
  });

  it("refuses an issue that is none", async () => {
    const payload = { ...issueEvent(), issue: { number: "seven" } };
    expect(await scene.deliver(payload)).toMatchObject({
      status: 400,
      body: { code: "bad_payload" },
    });
  });
});

describe("case 4: large deliveries", () => {
  it("takes an edited event with 65,536 emoji as a form", async () => {
    const text = "🦆".repeat(65_536);
    const payload = issueEvent({ action: "edited", body: text, changes: { body: { from: text } } });
    const answer = await scene.deliver(payload, {
      contentType: "application/x-www-form-urlencoded",
    });
    expect(answer).toMatchObject({ status: 200, body: { status: "ignored" } });
  });

  it("starts a run of a form, with NUL and half a surrogate pair in it", async () => {
    const payload = JSON.stringify(issueEvent({ number: 40, title: "a b \\ud83d c" })).replace("a b", "a\\u0000b");
    const answer = await scene.deliver(payload, {
      contentType: "application/x-www-form-urlencoded",
    });
    expect(answer).toMatchObject({ status: 202, body: { status: "queued" } });
  });

  it("refuses 3 MiB and one byte, with and without Content-Length, 50 at once, and reads no further", async () => {
    const path = `/api/webhook/${idOf("prj", scene.projectId)}`;
    const chunk = new Uint8Array(64 * 1024);
    let sentBytes = 0;
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          sentBytes += chunk.length;
          controller.enqueue(chunk);
        },
      });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        index % 2 === 0
          ? scene.app.request(path, {
              method: "POST",
              headers: { "content-length": String(3 * 1024 * 1024 + 1) },
              body: "x",
            })
          : scene.app.request(path, {
              method: "POST",
              body: endless(),
              duplex: "half",
            } as RequestInit),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([413]));
    expect(sentBytes).toBeLessThan(25 * 4 * 1024 * 1024);
  });
});
