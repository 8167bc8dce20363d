import { randomUUID } from "node:crypto";
import { type SpendStore, spendStoreContract } from "@feedback-chat/testing/spend-store-contract";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../src/platform/as-tenant.ts";
import { kinds } from "./support/open-test-database.ts";
import { openQueueScene } from "./support/queue-scene.ts";
import { shareDatabase } from "./support/share-database.ts";

describe.each(kinds)("spending on %s", (kind) => {
  const database = shareDatabase(kind);
  spendStoreContract("as the worker's proxy asks for it", async ({ runMicroUsd, dayMicroUsd }) => {
    const settings = { budgetMicroUsd: runMicroUsd, dayBudgetMicroUsd: dayMicroUsd };
    const scene = await openQueueScene({ on: database(), settings });
    const open = async (): Promise<SpendStore> => {
      const lease = await scene.lease();
      const say = async (what: string, body: object) => {
        const answer = await scene.worker.say(lease, `spend/${what}`, body);
        if (answer.status === 200) return answer.body;
        throw Object.assign(new Error(String(answer.body["code"])), { code: answer.body["code"], facts: answer.body });
      };
      return {
        reserve: async (microUsd) => ({
          reservationId: String((await say("reserve", reserve(microUsd)))["reservationId"]),
        }),
        settle: async ({ reservationId }, microUsd, tokens) =>
          void (await say("settle", { reservationId, microUsd, tokens })),
      };
    };
    return { run: await open(), other: await open(), [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
  });
  const reserve = (microUsd: number, requestId: string = randomUUID()) => ({ requestId, microUsd });

  it("never passes the run's ceiling, however many reserve at once", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { budgetMicroUsd: 1_000 },
    });
    const lease = await scene.lease();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => scene.worker.say(lease, "spend/reserve", reserve(300))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const refused = answers.find(({ status }) => status !== 200);
    // What is left is said, so that the proxy can ask for a smaller answer.
    expect(refused).toMatchObject({
      status: 402,
      body: { code: "budget_exceeded", scope: "run", leftMicroUsd: 100 },
    });
  });

  it("never passes the project's ceiling of 24 hours, however many runs reserve at once", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { dayBudgetMicroUsd: 1_000 },
    });
    const leases = [await scene.lease(), await scene.lease(), await scene.lease()];
    const answers = await Promise.all(
      leases.flatMap((lease) => [1, 2].map(() => scene.worker.say(lease, "spend/reserve", reserve(400)))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(answers.find(({ status }) => status !== 200)?.body).toMatchObject({ scope: "day", leftMicroUsd: 200 });
    await asSystem(scene.db, (tx) =>
      sql`update fc.spend_reservations set created_at = now() - interval '25 hours' where project_id = ${scene.projectId}`.execute(
        tx,
      ),
    );
    const [first] = leases;
    if (first) expect((await scene.worker.say(first, "spend/reserve", reserve(400))).status).toBe(200);
  });

  it("answers a repeated reservation with the same id, and reserves once", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { budgetMicroUsd: 1_000 },
    });
    const lease = await scene.lease();
    const asked = reserve(600);
    const [first, again] = await Promise.all([
      scene.worker.say(lease, "spend/reserve", asked),
      scene.worker.say(lease, "spend/reserve", asked),
    ]);
    expect(first.body["reservationId"]).toBe(again.body["reservationId"]);
    expect((await scene.worker.say(lease, "spend/reserve", reserve(400))).status).toBe(200);
  });

  it("settles once: the rest is free again, cost and tokens stand on the run, and nobody else's reservation is touched", async () => {
    await using scene = await openQueueScene({
      on: database(),
      settings: { budgetMicroUsd: 1_000 },
    });
    const lease = await scene.lease();
    const { body } = await scene.worker.say(lease, "spend/reserve", reserve(1_000));
    expect((await scene.worker.say(lease, "spend/reserve", reserve(1))).status).toBe(402);
    const settle = {
      reservationId: body["reservationId"],
      microUsd: 250,
      tokens: { input: 10, output: 4 },
    };
    const spent = { costMicroUsd: 250, inputTokens: 10, outputTokens: 4 };
    expect((await scene.worker.say(lease, "spend/settle", settle)).body).toEqual(spent);
    expect((await scene.worker.say(lease, "spend/settle", settle)).body).toEqual(spent);
    expect((await scene.worker.say(lease, "spend/reserve", reserve(750))).status).toBe(200);
    const other = await scene.lease();
    expect((await scene.worker.say(other, "spend/settle", settle)).status).toBe(404);
  });

  it("sends nothing at all with a budget of 0", async () => {
    await using scene = await openQueueScene({ on: database(), settings: { budgetMicroUsd: 0 } });
    const lease = await scene.lease();
    expect((await scene.worker.say(lease, "spend/reserve", reserve(1))).status).toBe(402);
  });
});
