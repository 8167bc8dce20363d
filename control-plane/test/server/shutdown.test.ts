import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { claimAnswer } from "@feedback-chat/protocol/worker";
import { expect, it } from "vitest";
import { openTwoReplicas, type TwoReplicas } from "../support/two-replicas.ts";
import { until } from "../support/until.ts";

type Outcome = { status: number } | { refused: string };

/** One request through a pool. `refused` names an error that the connection had; `refused: "ECONNREFUSED"` was never taken. */
async function ask(agent: Agent, { a, token }: TwoReplicas, path: string): Promise<Outcome> {
  const asking = request(`${a.url}${path}`, { agent, headers: { authorization: `Bearer ${token}` } });
  asking.end();
  try {
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    for await (const _ of response);
    return { status: response.statusCode ?? 0 };
  } catch (error) {
    return { refused: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

it("answers every request that it took, ends long polls and streams early, and ends with 0 when it is asked to stop under load", async () => {
  await using both = await openTwoReplicas();
  const worker = await both.workerAt(both.a);
  const claiming = worker.claim(20);
  both.openIssue();
  const { lease } = await claiming;
  const polls = await Promise.all(Array.from({ length: 5 }, () => both.workerAt(both.a)));
  const waiting = polls.map(({ call: say, workerId }) =>
    say("POST", "/v1/jobs/claim", { workerId, claimId: randomUUID(), waitS: 50 }),
  );
  const streams = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const headers = { authorization: `Bearer ${both.token}` };
      const response = await fetch(`${both.a.url}/v1/runs/${lease?.runId}/events`, { headers });
      return { status: response.status, text: response.text() };
    }),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  const outcomes: Outcome[] = [];
  let isStopped = false;
  const clients = Array.from({ length: 50 }, async () => {
    // Each goes on until the door is closed.
    for (;;) {
      const outcome = await ask(agent, both, "/v1/me");
      outcomes.push(outcome);
      if ("refused" in outcome && (isStopped || outcome.refused !== "ECONNREFUSED")) return;
    }
  });
  await until(async () => outcomes.length > 150, 30_000);
  isStopped = true;
  const began = performance.now();
  both.a.server.child.kill("SIGTERM");
  await Promise.all(clients);
  const { code } = await both.a.server.ended;
  expect(code).toBe(0);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(outcomes.filter((one) => "status" in one && one.status !== 200)).toEqual([]);
  // Fifty found the door closed; nobody's request was taken and then dropped.
  const refused = outcomes.flatMap((one) => ("refused" in one ? [one.refused] : []));
  expect(refused).toEqual(Array.from({ length: 50 }, () => "ECONNREFUSED"));
  for (const answer of await Promise.all(waiting)) {
    expect(answer.status).toBe(200);
    expect(claimAnswer.parse(answer.body)).toEqual({ lease: null, drain: false });
  }
  for (const { status, text } of streams) {
    expect(status).toBe(200);
    // An orderly end, without the event that says the run is over: the reader comes back and resumes.
    expect(await text).toMatch(/event: stage(?!.*event: end)/s);
  }
  // The other replica goes on with what the first one's worker held.
  if (!lease) throw new Error("Nothing was claimed.");
  const atB = await both.workerAt(both.b);
  expect((await atB.say(lease, "renew", { waitS: 0 })).status).toBe(200);
}, 120_000);

it("ends in time though GitHub does not answer what it asked", async () => {
  await using both = await openTwoReplicas({ FEEDBACK_CHAT_FIGURES: JSON.stringify({ closeSeconds: 2 }) });
  const held = both.github.holdNext({ path: /^\/repos\// });
  both.openIssue();
  await held.arrived;
  const began = performance.now();
  both.a.server.child.kill("SIGTERM");
  both.b.server.child.kill("SIGTERM");
  expect([(await both.a.server.ended).code, (await both.b.server.ended).code]).toEqual([0, 0]);
  expect(performance.now() - began).toBeLessThan(6_000);
  const events = [both.a, both.b].flatMap(({ server }) => server.events.map(({ event }) => event));
  expect(events).toContain("server.close_cut_short");
  held.drop();
}, 60_000);
