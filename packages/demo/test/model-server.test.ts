import { afterEach, describe, expect, it } from "vitest";
import { type ModelServer, type ScenarioInput, startModel } from "../src/model-server.ts";

let model: ModelServer;
afterEach(() => model.close());

const first = {
  role: "user",
  content: [
    {
      type: "text",
      text: "# Environment\n - Primary working directory: /work\n - Platform: linux",
    },
    { type: "text", text: "Task: /task/issue.json." },
  ],
};
const turn = { role: "assistant", content: [{ type: "text", text: "…" }] };
const said = (text: string) => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text }] }],
});

function ask(messages: unknown[], more: Record<string, unknown> = {}, key = "sk-ant-abcd"): Promise<Response> {
  const body = JSON.stringify({ model: "claude-sonnet-4-5", max_tokens: 100, messages, ...more });
  return fetch(`${model.url}/v1/messages?beta=true`, {
    method: "POST",
    body,
    headers: { "x-api-key": key, "content-type": "application/json" },
  });
}
const message = async (messages: unknown[]) =>
  (await (await ask(messages)).json()) as {
    content: { text?: string; input?: Record<string, string> }[];
    stop_reason: string;
  };
const faulty = (fault: NonNullable<ScenarioInput["steps"][number]["fault"]>): ScenarioInput => ({
  name: "faulty",
  about: "",
  steps: [{ text: "Hello", fault }],
});

describe("the scripted model", () => {
  it("answers with the step that the number of assistant messages names", async () => {
    model = await startModel({ scenario: "fix-cart" });
    expect((await message([first])).content.at(-1)?.input).toEqual({
      file_path: "/task/issue.json",
    });
    const second = await message([first, turn, said("{}")]);
    expect(second.content.map(({ input }) => input?.["file_path"])).toEqual([
      undefined,
      "/work/src/cart.js",
      "/work/test/cart.test.js",
    ]);
    expect(second.stop_reason).toBe("tool_use");
    expect((await message([first, turn, turn, turn, turn])).stop_reason).toBe("end_turn");
    expect((await message([first, turn, turn, turn, turn, turn, turn])).content).toEqual([
      { type: "text", text: "Done." },
    ]);
  });

  it("streams the events of the Messages API in their order, with usage", async () => {
    model = await startModel({ scenario: "fix-cart" });
    const answer = await ask([first], { stream: true });
    expect(answer.headers.get("content-type")).toContain("text/event-stream");
    const events = (await answer.text())
      .trim()
      .split("\n\n")
      .map((one) => JSON.parse(one.split("\ndata: ")[1]!) as Record<string, unknown>);
    expect(events.map(({ type }) => type)).toEqual([
      "message_start",
      "ping",
      ...Array.from({ length: 2 }, () => ["content_block_start", "content_block_delta", "content_block_stop"]).flat(),
      "message_delta",
      "message_stop",
    ]);
    expect(events[0]).toMatchObject({
      message: { usage: { input_tokens: 5200, output_tokens: 1 } },
    });
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: "tool_use" },
      usage: { output_tokens: 70 },
    });
    expect(model.counted).toMatchObject({
      requests: 1,
      inputTokens: 5200,
      outputTokens: 70,
      costMicroUsd: 5200 * 3 + 70 * 15,
    });
  });

  it("chooses the scenario by what the task says", async () => {
    model = await startModel({
      scenario: "fix-cart",
      scenarioFor: (text) => (text.includes("never") ? "never-ends" : undefined),
    });
    await message([first, turn, said("please")]);
    await message([first, turn, said("it never ends")]);
    expect(model.requests.map(({ scenario, step }) => [scenario, step])).toEqual([
      ["fix-cart", 1],
      ["never-ends", 1],
    ]);
  });

  it("takes the other way when the request says what it waits for", async () => {
    model = await startModel({ scenario: "ask-question" });
    expect((await message([first, turn, said("{}")])).content.at(-1)?.input?.["file_path"]).toBe("/task/question.json");
    const answered = said('1\t{\n2\t  "question": { "text": "Which?", "answer": "The cart." }');
    expect((await message([first, turn, answered])).content.at(-1)?.input?.["file_path"]).toBe(
      "/work/test/cart.test.js",
    );
  });

  it("refuses what the API refuses, and counts tokens", async () => {
    model = await startModel({ scenario: "fix-cart", key: "sk-ant-right" });
    expect((await ask([first])).status).toBe(401);
    expect((await ask([], {}, "sk-ant-right")).status).toBe(400);
    expect((await fetch(`${model.url}/v1/files`, { method: "POST" })).status).toBe(404);
    expect((await fetch(model.url, { method: "HEAD" })).status).toBe(200);
    const count = await fetch(`${model.url}/v1/messages/count_tokens`, {
      method: "POST",
      body: JSON.stringify({ model: "m", messages: [first] }),
      headers: { authorization: "Bearer sk-ant-right" },
    });
    expect(await count.json()).toEqual({ input_tokens: expect.any(Number) });
  });

  it("keeps of a key its last four characters, and knows it again", async () => {
    model = await startModel({ scenario: "fix-cart" });
    await ask([first], {}, "sk-ant-secret-wxyz");
    expect(model.requests[0]).toMatchObject({
      keyLast4: "wxyz",
      headers: { "x-api-key": "…wxyz" },
      path: "/v1/messages?beta=true",
      status: 200,
    });
    expect(JSON.stringify(model.requests)).not.toContain("secret");
    expect([model.sawKey("sk-ant-secret-wxyz"), model.sawKey("sk-ant-other-wxyz")]).toEqual([true, false]);
  });

  it("answers 529 for ever", async () => {
    model = await startModel({ scenario: "overloaded" });
    for (const messages of [[first], [first], [first, turn]]) {
      const answer = await ask(messages);
      expect([answer.status, await answer.json()]).toMatchObject([529, { error: { type: "overloaded_error" } }]);
    }
  });

  it("errs in mid-stream, cuts, stalls, and sends raw bytes", async () => {
    model = await startModel({ scenario: faulty({ kind: "sse_error", afterEvents: 2 }) });
    expect(await (await ask([first], { stream: true })).text()).toMatch(
      /message_start[^]*event: error\ndata: .*overloaded_error/,
    );
    await model.close();
    model = await startModel({ scenario: faulty({ kind: "cut", afterEvents: 3 }) });
    await expect((await ask([first], { stream: true })).text()).rejects.toThrow();
    await model.close();
    model = await startModel({
      scenario: faulty({ kind: "raw", base64: Buffer.from("not an event").toString("base64") }),
    });
    expect(await (await ask([first], { stream: true })).text()).toBe("not an event");
    await model.close();
    model = await startModel({ scenario: faulty({ kind: "stall", afterEvents: 1 }) });
    const reader = (await ask([first], { stream: true })).body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("message_start");
    const next = reader.read().then(
      () => "more",
      () => "ended by us",
    );
    expect(model.requests[0]?.status).toBe(200);
    await model.close();
    expect(await next).toBe("ended by us");
    expect(model.counted.requests).toBe(0);
  });

  it("hangs without an answer until it is stopped", async () => {
    model = await startModel({ scenario: faulty({ kind: "hang" }) });
    const asking = ask([first]).then(
      ({ status }) => status,
      () => "cut",
    );
    const arrived = model.holdNext({ method: "HEAD", path: /^\/$/ });
    const alive = fetch(model.url, { method: "HEAD" });
    await arrived.arrived;
    expect(model.requests[0]).toMatchObject({ status: null });
    arrived.release();
    expect((await alive).status).toBe(200);
    await model.close();
    expect(["cut", 503]).toContain(await asking);
  });

  it("names the scenarios that there are when one is unknown", async () => {
    model = await startModel({ scenario: "fix-cart" });
    await expect(startModel({ scenario: "fix-card" })).rejects.toThrow(/no scenario "fix-card"; there are .*fix-cart/);
  });
});
