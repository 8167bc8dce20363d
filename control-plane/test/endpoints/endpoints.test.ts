import { createHmac } from "node:crypto";
import { runMessage } from "@feedback-chat/protocol/endpoint";
import { idOf } from "@feedback-chat/protocol/ids";
import { systemActor } from "@feedback-chat/protocol/actor";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { deliverMessages } from "../../src/endpoints/deliver-messages.ts";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedProject, seedRun } from "../support/seed.ts";
import { startReceiver } from "../support/start-receiver.ts";

type Scene = AsyncDisposable & {
  platform: TestPlatform;
  admin: { token: string; workspaceId: string };
  projectId: string;
  /** Below the project's endpoints, as its admin. */
  ask: (method: string, rest: string, body?: unknown) => ReturnType<TestPlatform["call"]>;
};

async function openScene(allow = "127.0.0.1"): Promise<Scene> {
  const platform = await openTestPlatform({ env: { OUTBOUND_ALLOW: allow } });
  const admin = await platform.person("admin");
  const projectId = await seedProject(platform.deps.db, { workspaceId: admin.workspaceId });
  const base = `/v1/projects/${idOf("prj", projectId)}/endpoints`;
  const ask: Scene["ask"] = (method, rest, body) =>
    platform.call(method, base + rest, { token: admin.token, ...(body === undefined ? {} : { body }) });
  return { platform, admin, projectId, ask, [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose]() };
}

async function addEndpoint({ ask }: Scene, body: object): Promise<{ id: string; secret: string }> {
  const answer = await ask("POST", "", body);
  expect(answer.status, answer.text).toBe(201);
  return { id: String((answer.body["endpoint"] as { id: string }).id), secret: String(answer.body["secret"]) };
}

/** A run of the project that moves from queued to failed. */
async function failRun({ platform, projectId }: Scene): Promise<string> {
  const { runId } = await seedRun(platform.deps.db, { projectId });
  await asProject(platform.deps.db, projectId, async (tx) => {
    await lockJob(tx, runId);
    await advanceRun(tx, runId, { event: "gave_up", actor: systemActor, attempt: 1, reason: "clone" });
  });
  return runId;
}

/** As if the pause were over. */
const comeDue = ({ platform }: Scene) =>
  asSystem(platform.deps.db, (tx) => sql`update fc.endpoint_deliveries set run_at = now()`.execute(tx));

describe("endpoints", () => {
  it.each(["http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://2130706433/", "http://[::ffff:7f00:1]/"])(
    "case 34: refuse %s",
    async (url) => {
      await using scene = await openScene("");
      const answer = await scene.ask("POST", "", { url });
      expect([answer.status, answer.body["code"]]).toEqual([422, "endpoint_not_allowed"]);
      expect((await scene.ask("GET", "")).body["items"]).toEqual([]);
    },
  );

  it("tell the secret once, change what is named, and end for good", async () => {
    await using scene = await openScene();
    const { id, secret } = await addEndpoint(scene, { url: "http://127.0.0.1:9/", events: ["run.waiting"] });
    expect(secret).toMatch(/^whsec_/);
    const listed = await scene.ask("GET", "");
    expect(listed.text).not.toContain(secret);
    expect(listed.body["items"]).toMatchObject([{ id, events: ["run.waiting"], isDisabled: false }]);
    const changed = await scene.ask("PATCH", `/${id}`, { isDisabled: true });
    expect(changed.body).toMatchObject({ id, isDisabled: true, events: ["run.waiting"] });
    expect((await scene.ask("PATCH", `/${id}`, { url: "http://10.0.0.1/" })).status).toBe(422);
    expect((await scene.ask("DELETE", `/${id}`)).status).toBe(204);
    expect((await scene.ask("DELETE", `/${id}`)).status).toBe(404);
  });

  it("are not found from another tenant's project, whatever is asked of them", async () => {
    await using scene = await openScene();
    const { id } = await addEndpoint(scene, { url: "http://127.0.0.1:9/" });
    const other = await scene.platform.person("owner");
    const theirs = await seedProject(scene.platform.deps.db, { workspaceId: other.workspaceId });
    const base = `/v1/projects/${idOf("prj", theirs)}/endpoints/${id}`;
    for (const [method, path, body] of [
      ["PATCH", base, {}],
      ["DELETE", base],
      ["GET", `${base}/deliveries`],
      ["POST", `${base}/redeliver`, {}],
      ["POST", `${base}/rotate`, {}],
    ] as const)
      // prettier-ignore
      expect([method, (await scene.platform.call(method, path, { token: other.token, body })).status]).toEqual([method, 404]);
  });

  it("stay at twenty a project when two are added at once", async () => {
    await using scene = await openScene();
    for (let i = 0; i < 19; i++) await addEndpoint(scene, { url: "http://127.0.0.1:9/" });
    const two = await Promise.all([1, 2].map(() => scene.ask("POST", "", { url: "http://127.0.0.1:9/" })));
    expect(new Set(two.map(({ status }) => status))).toEqual(new Set([201, 409]));
  });

  it("hear of a run's move, signed, and only of what they asked for", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    const { id, secret } = await addEndpoint(scene, { url: receiver.url, events: ["run.stage_changed"] });
    await addEndpoint(scene, { url: receiver.url, events: ["run.waiting"] });
    const runId = await failRun(scene);
    await deliverMessages(scene.platform.deps);
    const failed = receiver.received.find(({ body }) => body.includes('"failed"'));
    expect(runMessage.parse(JSON.parse(failed?.body ?? "{}"))).toMatchObject({
      type: "run.stage_changed",
      data: { runId: idOf("run", runId), fromStage: "queued", stage: "failed", reason: "clone", prUrl: null },
    });
    const headers = failed?.headers ?? {};
    const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${failed?.body}`;
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
    const { body } = await scene.ask("GET", `/${id}/deliveries?status=delivered`);
    expect(body["items"]).toMatchObject([{ id: headers["webhook-id"], attempts: 1, lastStatus: 200, lastError: null }]);
  });

  it("sign with both secrets while a rotation's grace lasts, then with the new one alone", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    const { id, secret } = await addEndpoint(scene, { url: receiver.url, events: ["run.stage_changed"] });
    const rotate = async (body: object) => {
      const answer = await scene.ask("POST", `/${id}/rotate`, body);
      expect(answer.status, answer.text).toBe(200);
      return { secret: String(answer.body["secret"]), endpoint: answer.body["endpoint"] };
    };
    /** Of one message: the secrets whose signature it carries, by the specification's rule. */
    const signers = async (secrets: string[]) => {
      await failRun(scene);
      receiver.received.length = 0;
      await deliverMessages(scene.platform.deps);
      const { headers, body } = receiver.received[0]!;
      const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
      const signatures = String(headers["webhook-signature"]).split(" ");
      const ofSecret = (one: string) =>
        `v1,${createHmac("sha256", Buffer.from(one.slice("whsec_".length), "base64"))
          .update(signed)
          .digest("base64")}`;
      expect(signatures.length).toBe(new Set(signatures).size);
      return secrets.filter((one) => signatures.includes(ofSecret(one)));
    };
    const second = await rotate({ graceHours: 1 });
    expect(second.endpoint).toMatchObject({ id, previousSecretUntil: expect.stringMatching(/Z$/) });
    expect(await signers([secret, second.secret])).toEqual([secret, second.secret]);
    await asSystem(scene.platform.deps.db, (tx) =>
      sql`update fc.endpoints set secret_previous_until = now() - interval '1 second'`.execute(tx),
    );
    expect(await signers([secret, second.secret])).toEqual([second.secret]);
    expect((await scene.ask("GET", "")).body["items"]).toMatchObject([{ previousSecretUntil: null }]);
    // Without grace the leaked one is worthless at once; of two rotations at once one secret holds, and is told.
    const third = await rotate({ graceHours: 0 });
    expect(await signers([secret, second.secret, third.secret])).toEqual([third.secret]);
    const both = await Promise.all([rotate({}), rotate({})]);
    expect((await signers([third.secret, ...both.map((one) => one.secret)])).toSorted()).toEqual(
      both.map((one) => one.secret).toSorted(),
    );
    const { rows } = await asSystem(scene.platform.deps.db, (tx) =>
      sql`select from fc.audit_logs where action = 'endpoint.secret_rotated' and target = ${id}`.execute(tx),
    );
    expect(rows).toHaveLength(4);
  });

  it("hear nothing of what was rolled back", async () => {
    await using scene = await openScene();
    const { id } = await addEndpoint(scene, { url: "http://127.0.0.1:9/" });
    const { runId } = await seedRun(scene.platform.deps.db, { projectId: scene.projectId });
    const undone = asProject(scene.platform.deps.db, scene.projectId, async (tx) => {
      await lockJob(tx, runId);
      await advanceRun(tx, runId, { event: "gave_up", actor: systemActor, attempt: 1 });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect((await scene.ask("GET", `/${id}/deliveries`)).body["items"]).toEqual([]);
  });

  it("are tried ten times over three days, then the message is dead until a person sends it again under its id", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    receiver.answerWith(500);
    const { id } = await addEndpoint(scene, { url: receiver.url });
    await failRun(scene);
    const deliveries = async () => (await scene.ask("GET", `/${id}/deliveries`)).body["items"] as { status: string; attempts: number; id: string }[]; // prettier-ignore
    await deliverMessages(scene.platform.deps);
    expect(await deliveries()).toMatchObject([
      { status: "pending", attempts: 1, lastStatus: 500, lastError: "It answered 500." },
    ]);
    // Not before its pause is over.
    expect(await deliverMessages(scene.platform.deps)).toBe(0);
    for (let i = 0; i < 9; i++) {
      await comeDue(scene);
      await deliverMessages(scene.platform.deps);
    }
    const [dead] = await deliveries();
    expect(dead).toMatchObject({ status: "dead", attempts: 10 });
    receiver.answerWith(204);
    expect((await scene.ask("POST", `/${id}/redeliver`, {})).body).toEqual({ queued: 1 });
    expect((await scene.ask("POST", `/${id}/redeliver`, {})).body).toEqual({ queued: 0 });
    await deliverMessages(scene.platform.deps);
    expect(await deliveries()).toMatchObject([{ id: dead?.id, status: "delivered" }]);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect((await scene.ask("POST", `/${id}/redeliver`, { deliveryId: dead?.id })).body).toEqual({ queued: 1 });
  });

  it("are disabled when they say that they are gone", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    receiver.answerWith(410);
    const { id } = await addEndpoint(scene, { url: receiver.url });
    await failRun(scene);
    await deliverMessages(scene.platform.deps);
    expect((await scene.ask("GET", "")).body["items"]).toMatchObject([{ id, isDisabled: true, disabledReason: "It answered 410: gone." }]); // prettier-ignore
    await failRun(scene);
    expect(await deliverMessages(scene.platform.deps)).toBe(0);
  });

  it("get each message once from two servers that deliver at once", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    await addEndpoint(scene, { url: receiver.url });
    for (let i = 0; i < 5; i++) await failRun(scene);
    const taken = await Promise.all([1, 2].map(() => deliverMessages(scene.platform.deps)));
    expect(taken[0]! + taken[1]!).toBe(5);
    expect(receiver.received.length).toBe(5);
  });

  it("are asked again whether they are allowed at each message", async () => {
    await using scene = await openScene();
    await using receiver = await startReceiver();
    const { id } = await addEndpoint(scene, { url: receiver.url });
    await failRun(scene);
    const { deps } = scene.platform;
    await deliverMessages({ ...deps, config: { ...deps.config, outboundAllow: [] } });
    expect(receiver.received).toEqual([]);
    const { body } = await scene.ask("GET", `/${id}/deliveries`);
    expect(body["items"]).toMatchObject([{ status: "pending", lastStatus: null, lastError: expect.stringContaining("public internet") }]); // prettier-ignore
  });
});
