import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { Agent, request as send } from "undici";
import { describe, expect, it } from "vitest";
import { ignoring } from "../src/platform/ignoring.ts";
import { requirePrice } from "../src/require-price.ts";
import { openProxy, plain, post, type Opened } from "./open-proxy.ts";
import { until } from "./open-sandbox.ts";
import { messageStart, sendEvents, steps, type Script } from "./stub-model.ts";

async function connected(socketPath: string): Promise<Socket> {
  const socket = connect(socketPath);
  await once(socket, "connect");
  return socket.on("error", ignoring("EPIPE", "ECONNRESET"));
}

function written(socket: Socket, bytes: string): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** Bytes as a hostile client would write them. */
function raw(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(socketPath, () => socket.write(bytes));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on("data", (data) => (answer += data.toString()));
    // Who is refused in the middle of writing gets the answer all the same.
    socket.on("error", (error) => answer === "" && reject(error));
    socket.on("close", () => resolve(answer));
  });
}

describe("what is admitted", () => {
  it("passes an answer through byte for byte, and charges what its usage says", async () => {
    await using opened = await openProxy();
    const answer = await post(opened);
    const body = await answer.body.text();
    expect(answer.statusCode).toBe(200);
    expect(body).toMatch(/^event: message_start\n[\s\S]+event: message_stop\n/);
    expect(answer.headers).toMatchObject({
      "content-type": "text/event-stream",
      "request-id": "req_1",
    });
    expect(answer.headers["set-cookie"]).toBeUndefined();
    await until(() => opened.facts.length === 1);
    // 1,000 in at 3 USD and 50 out at 15 USD a million.
    expect(opened.proxy.totals()).toEqual({
      costMicroUsd: 3_750,
      inputTokens: 1_000,
      outputTokens: 50,
    });
    expect([...opened.spend.entries.values()]).toEqual([{ reserved: expect.any(Number), settled: 3_750 }]);
    expect(opened.facts[0]).toMatchObject({
      outcome: "answered",
      status: 200,
      attempts: 1,
      costMicroUsd: 3_750,
    });
  });

  it.each([
    ["GET", "/v1/models", 404], ["GET", "/v1/messages", 405], ["POST", "/v1/files", 404], ["POST", "/v1/messages/batches", 404],
    ["POST", "/v1/messages?beta=false", 404], ["POST", "/v1/messages/", 404], ["POST", "/V1/messages", 404], ["POST", "//v1/messages", 404],
    ["POST", "/v1/../v1/messages", 404], ["POST", "/v1/messages%3Fbeta=true", 404], ["DELETE", "/v1/messages", 405], ["POST", "http://evil.example/v1/messages", 404],
  ])("refuses %s %s, and upstream sees nothing (case 25)", async (method, target, status) => {
    await using opened = await openProxy();
    const answer = await raw(opened.socketPath, `${method} ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(opened.model.requests).toEqual([]);
  }); // prettier-ignore

  it.each([
    ["CONNECT", "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n", 405],
    ["Upgrade", "GET /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 405],
    [
      "both lengths",
      "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      400,
    ],
    ["two lengths", "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400],
    ["no host", "POST /v1/messages HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", 400],
    ["a broken line", "POST /v1/messages HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", 400],
  ])("makes no tunnel and guesses no length: %s (cases 25, 27)", async (_name, bytes, status) => {
    await using opened = await openProxy();
    expect(await raw(opened.socketPath, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(opened.model.requests).toEqual([]);
  });

  it("judges a pipelined second request by itself (case 27)", async () => {
    await using opened = await openProxy();
    const body = JSON.stringify({ ...plain, stream: false });
    const first = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const answer = await raw(
      opened.socketPath,
      `${first}POST /v1/files HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]+HTTP\/1.1 404 /);
    expect(opened.model.requests).toHaveLength(1);
  });

  it("answers HEAD / itself, and counts tokens without charge", async () => {
    await using opened = await openProxy(
      (_request, response) =>
        void response.writeHead(200, { "content-type": "application/json" }).end('{"input_tokens":5}'),
    );
    expect(await raw(opened.socketPath, "HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1.1 200 /,
    );
    expect(
      await (
        await post(
          opened,
          { model: plain.model, messages: plain.messages },
          { path: "/v1/messages/count_tokens?beta=true" },
        )
      ).body.json(),
    ).toEqual({ input_tokens: 5 });
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
    expect(opened.model.requests.map(({ url }) => url)).toEqual(["/v1/messages/count_tokens?beta=true"]);
  });
});

describe("what upstream sees", () => {
  const hostile = {
    host: "evil.example",
    "x-api-key": "sk-theirs",
    authorization: "Bearer theirs",
    cookie: "a=b",
    "x-forwarded-for": "1.2.3.4",
    "anthropic-beta":
      "interleaved-thinking-2025-05-14,files-api-2025-04-14,context-1m-2025-08-07, mcp-client-2025-04-04",
  };

  it("is our own key, host and harmless betas (case 26)", async () => {
    await using opened = await openProxy();
    await (await post(opened, plain, { headers: hostile })).body.dump();
    const [seen] = opened.model.requests;
    expect(seen?.headers).toMatchObject({
      "x-api-key": "sk-ours",
      host: new URL(opened.model.baseUrl).host,
      "anthropic-beta": "interleaved-thinking-2025-05-14",
    });
    for (const name of ["authorization", "cookie", "x-forwarded-for"]) expect(seen?.headers[name]).toBeUndefined();
    expect(JSON.stringify(opened.model.requests)).not.toMatch(/theirs|evil/);
  });

  it("is a Bearer token with its beta for the owner's own subscription", async () => {
    await using opened = await openProxy(undefined, {
      credential: { type: "claude_oauth", value: "oat-ours" },
    });
    await (await post(opened, plain, { headers: hostile })).body.dump();
    expect(opened.model.requests[0]?.headers).toMatchObject({
      authorization: "Bearer oat-ours",
      "anthropic-beta": "interleaved-thinking-2025-05-14,oauth-2025-04-20",
    });
    expect(opened.model.requests[0]?.headers["x-api-key"]).toBeUndefined();
  });

  it("is a Bearer token, below the base's own path, for a provider that speaks the same language", async () => {
    await using opened = await openProxy();
    const model = "anthropic/claude-sonnet-4.5";
    const price = requirePrice({ model, prices: {} }, { [model]: { inputUsd: 6, outputUsd: 30, cacheReadUsd: 0.6 } });
    await using router = await openProxy(undefined, {
      baseUrl: `${opened.model.baseUrl}/api/`,
      credential: { type: "bearer_token", value: "sk-or-ours" },
      models: { [model]: price },
    });
    await (await post(router, { ...plain, model }, { headers: hostile })).body.dump();
    const [seen] = opened.model.requests;
    expect(seen?.url).toBe("/api/v1/messages?beta=true");
    expect(seen?.headers).toMatchObject({ authorization: "Bearer sk-or-ours" });
    expect(seen?.headers["x-api-key"]).toBeUndefined();
    await until(() => router.facts.length === 1);
    // 1,000 in and 50 out at the prices that were given, not at ours.
    expect(router.proxy.totals().costMicroUsd).toBe(6_000 + 1_500);
    expect((await post(router)).statusCode).toBe(403);
  });

  it("is the body as judged and written anew", async () => {
    await using opened = await openProxy();
    await (
      await post(
        opened,
        `{ "model":"claude-sonnet-4-5" , "max_tokens":64000,"stream":true,"messages":[{"role":"user","content":"h\\u0069"}]}`,
      )
    ).body.dump();
    expect(opened.model.requests[0]?.body).toBe(
      `{"model":"claude-sonnet-4-5","max_tokens":16384,"stream":true,"messages":[{"role":"user","content":"hi"}]}`,
    );
  });

  it.each([
    ["a forbidden model", { ...plain, model: "claude-opus-4-1" }],
    ["a member twice", `{"model":"claude-sonnet-4-5","model":"claude-opus-4-1","max_tokens":10,"messages":[]}`],
    ["a server-side tool", { ...plain, tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["a connector", { ...plain, mcp_servers: [{ type: "url", url: "https://evil.example" }] }],
  ])("is nothing of %s (case 28)", async (_name, body) => {
    await using opened = await openProxy();
    const answer = await post(opened, body);
    expect(answer.statusCode).toBe(403);
    expect(await answer.body.json()).toMatchObject({
      type: "error",
      error: { type: "permission_error" },
    });
    expect(answer.headers["x-should-retry"]).toBe("false");
    expect(opened.model.requests).toEqual([]);
  });

  it("is nothing of an encoded, a foreign or a huge body", async () => {
    await using opened = await openProxy();
    expect((await post(opened, plain, { headers: { "content-encoding": "gzip" } })).statusCode).toBe(415);
    expect(
      await raw(
        opened.socketPath,
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n\xff\xfe",
      ),
    ).toMatch(/^HTTP\/1.1 4/);
    expect(
      await raw(opened.socketPath, "POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n"),
    ).toMatch(/^HTTP\/1.1 400 [^]*too much media/);
    expect(opened.model.requests).toEqual([]);
  });
});

describe("a PDF", () => {
  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBERi0xLjQK" } };
  const read = { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "PDF file read" }, pdf] };
  const body = { ...plain, messages: [{ role: "user", content: [read] }] };

  it("goes to the provider, reserved by the provider's own count of its pages", async () => {
    await using opened = await openProxy(counting(200_000));
    expect((await post(opened, body)).statusCode).toBe(200);
    expect(opened.model.requests.at(-1)?.body).toContain("JVBERi0xLjQK");
    const [reservation] = opened.spend.entries.values();
    expect(reservation?.reserved).toBe((Math.ceil(200_000 * 1.1) + 1_000) * 6 + 1_000 * 15);
  });

  it.each([
    ["many pages", counting(900_000)],
    ["pages that nobody counted", steps({ text: "hello" })],
  ])("is left out where the budget has no room for %s, and the run goes on", async (_name, script) => {
    await using opened = await openProxy(script);
    const answer = await post(opened, body);
    expect(answer.statusCode).toBe(400);
    expect(await answer.body.json()).toMatchObject({ error: { message: expect.stringMatching(/^too much media/) } });
    expect(opened.proxy.state.ended).toBeNull();
    expect([...opened.spend.entries]).toEqual([]);
    expect((await post(opened)).statusCode).toBe(200);
  });
});

/** Answers, and counts every prompt as so long. */
function counting(inputTokens: number): Script {
  return (request, response) => {
    if (!request.url.includes("count_tokens")) return { text: "hello" };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ input_tokens: inputTokens }));
  };
}

describe("the worker's memory", () => {
  it("holds 64 MiB of requests and no more, however many begin and never end", async () => {
    await using opened = await openProxy();
    const most = 15 * 1024 * 1024;
    const begin = `POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: ${most + 1}\r\n\r\n`;
    const open4 = await Promise.all(Array.from({ length: 4 }, () => connected(opened.socketPath)));
    // What the other side of the socket has taken is in the proxy's hands, or in the kernel's.
    await Promise.all(open4.map((socket) => written(socket, begin + "x".repeat(most))));
    expect(await raw(opened.socketPath, begin + "x".repeat(most))).toMatch(/^HTTP\/1.1 429 /);
    expect(opened.facts).toMatchObject([{ outcome: "refused", status: 429 }]);
    for (const socket of open4) socket.destroy();
    await until(() => opened.facts.length === 5);
    expect((await post(opened)).statusCode).toBe(200);
    expect(opened.failures).toEqual([]);
    // One that begins and never ends does not keep the run from ending.
    await written(await connected(opened.socketPath), begin);
    await opened.proxy.close();
  });

  it("keeps nothing of an answer that has no end, and charges all that was reserved for it", async () => {
    const line = Buffer.alloc(1024 * 1024, "x");
    let sent = 0;
    await using opened = await openProxy((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (sent < 40 && response.write(line)) sent += 1;
        if (sent < 40) response.once("drain", () => ((sent += 1), more()));
        else response.end();
      };
      more();
    });
    expect((await (await post(opened)).body.arrayBuffer()).byteLength).toBeGreaterThan(39 * line.length);
    await until(() => opened.facts.length === 1);
    expect(opened.proxy.totals().costMicroUsd).toBeGreaterThan(15_000);
  });
});

describe("what it may cost", () => {
  it("asks for the provider's free count before it refuses a large body, and reserves by that", async () => {
    const large = { ...plain, messages: [{ role: "user", content: "word ".repeat(80_000) }] };
    const answer: Script = ({ url }, response) =>
      url.includes("count_tokens") ? void response.writeHead(200).end('{"input_tokens":80010}') : { text: "read" };
    await using opened = await openProxy(answer, { budgetMicroUsd: 2_000_000 });
    expect((await post(opened, large)).statusCode).toBe(200);
    expect(opened.model.requests.map(({ url }) => url)).toEqual([
      "/v1/messages/count_tokens",
      "/v1/messages?beta=true",
    ]);
    expect(JSON.parse(opened.model.requests[0]?.body ?? "{}")).not.toHaveProperty("max_tokens");
    const [entry] = opened.spend.entries.values();
    expect(entry?.reserved).toBeGreaterThan(80_010 * 6);
    expect(entry?.reserved).toBeLessThan(700_000);
  });

  it("counts a byte as a token where the provider cannot count", async () => {
    const large = { ...plain, messages: [{ role: "user", content: "word ".repeat(80_000) }] };
    const script: Script = (_request, response) => void response.writeHead(404).end("{}");
    await using opened = await openProxy(script, { budgetMicroUsd: 2_000_000 });
    expect((await post(opened, large)).statusCode).toBe(402);
    expect(opened.model.requests.map(({ url }) => url)).toEqual(["/v1/messages/count_tokens"]);
  });

  it("sends the request all the same where the provider breaks its count off", async () => {
    const large = { ...plain, max_tokens: 4_000, messages: [{ role: "user", content: "word ".repeat(60_000) }] };
    const script: Script = ({ url }, response) => {
      if (!url.includes("count_tokens")) return { text: "read" };
      response.writeHead(200, { "content-length": "99" }).flushHeaders();
      setImmediate(() => response.destroy());
      return undefined;
    };
    await using opened = await openProxy(script, { budgetMicroUsd: 2_500_000, dayMicroUsd: 1_830_000 });
    expect((await post(opened, large)).statusCode).toBe(200);
    expect(opened.model.requests.map(({ url }) => url.includes("count"))).toEqual([true, false]);
    expect(opened.failures).toEqual([]);
  });

  it("lets a request wait for those under way before it is refused", async () => {
    const gate = Promise.withResolvers<void>();
    await using opened = await openProxy(
      async () => {
        await gate.promise;
        return { text: "x" };
      },
      { budgetMicroUsd: 22_000 },
    );
    const many = new Agent({ connect: { socketPath: opened.socketPath }, connections: 20 });
    const first = post(opened, plain, { dispatcher: many });
    await until(() => opened.model.requests.length === 1);
    const second = post(opened, plain, { dispatcher: many });
    // Answered by the proxy itself, after it has heard of the second request.
    await (await send("http://model.invalid/", { method: "HEAD", dispatcher: many })).body.dump();
    gate.resolve();
    expect((await first).statusCode).toBe(200);
    await (await first).body.dump();
    expect((await second).statusCode).toBe(200);
    await (await second).body.dump();
    expect(opened.proxy.state.ended).toBeNull();
    await many.close();
  });

  it("never sends a request that the run cannot pay, and says 402 (case 29)", async () => {
    await using opened = await openProxy(undefined, { budgetMicroUsd: 50_000 });
    const answer = await post(opened, {
      ...plain,
      messages: [{ role: "user", content: "x".repeat(20_000) }],
    });
    expect(answer.statusCode).toBe(402);
    expect(answer.headers["x-should-retry"]).toBe("false");
    expect(opened.proxy.state.ended).toMatchObject({ reason: "budget" });
    expect(await opened.proxy.whenEnded).toBe(opened.proxy.state.ended);
    expect(opened.model.requests).toEqual([]);
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
  });

  it("clamps the output to what is left of the run, and of the day", async () => {
    await using run = await openProxy(undefined, { budgetMicroUsd: 100_000 });
    await (await post(run, { ...plain, max_tokens: 16_000 })).body.dump();
    expect(maxTokensOf(run)).toBeLessThan(6_700);
    await using day = await openProxy(undefined, { dayMicroUsd: 50_000 });
    await (await post(day, { ...plain, max_tokens: 16_000 })).body.dump();
    expect(maxTokensOf(day)).toBeLessThan(3_400);
  });

  it("stays below the ceiling with many at once, at most 4 of them in flight", async () => {
    let now = 0;
    let most = 0;
    const gate = Promise.withResolvers<void>();
    const script: Script = async () => {
      most = Math.max(most, ++now);
      await gate.promise;
      now--;
      return { text: "x" };
    };
    await using opened = await openProxy(script, { budgetMicroUsd: 200_000 });
    const many = new Agent({ connect: { socketPath: opened.socketPath }, connections: 20 });
    const answers = Array.from({ length: 12 }, () => post(opened, plain, { dispatcher: many }));
    await until(() => opened.model.requests.length === 4);
    expect(opened.proxy.totals().costMicroUsd).toBeGreaterThan(4 * 15_000);
    gate.resolve();
    for (const answer of answers) await (await answer).body.dump();
    await many.close();
    expect(most).toBe(4);
    expect(opened.proxy.totals().costMicroUsd).toBeLessThanOrEqual(200_000);
  });

  it.each([
    ["before any word", () => undefined],
    ["after the start", (response: Parameters<Script>[1]) => sendEvents(response, [messageStart("a")])],
    [
      "in the middle",
      (response: Parameters<Script>[1]) =>
        sendEvents(response, [
          messageStart("a"),
          ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "y".repeat(300) } }],
        ]),
    ],
  ])("charges a stream that the provider cuts %s: never zero (case 30)", async (_name, say) => {
    await using opened = await openProxy((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      say(response);
      setImmediate(() => response.destroy());
    });
    await post(opened)
      .then((answer) => answer.body.dump())
      .catch(ignoring("UND_ERR_SOCKET"));
    await until(() => opened.facts.length === 1);
    expect(opened.facts[0]).toMatchObject({ outcome: "cut" });
    expect(opened.proxy.totals().costMicroUsd).toBeGreaterThanOrEqual(3_000);
    expect([...opened.spend.entries.values()][0]?.settled).toBe(opened.proxy.totals().costMicroUsd);
  });

  it("charges a stream that the client leaves, and ends it upstream (case 30)", async () => {
    await using opened = await openProxy((_request, response) =>
      sendEvents(response, [
        messageStart("a"),
        ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "y".repeat(300) } }],
      ]),
    );
    const leave = new AbortController();
    const answer = await post(opened, plain, { signal: leave.signal });
    for await (const _chunk of answer.body) break;
    leave.abort();
    await until(() => opened.facts.length === 1 && opened.model.abandoned() === 1);
    const [fact] = opened.facts;
    expect(fact).toMatchObject({ outcome: "cut" });
    expect(fact?.costMicroUsd, "what was seen").toBeGreaterThanOrEqual(3_000 + 300 * 15);
    expect(fact?.costMicroUsd, "never more than was reserved").toBeLessThanOrEqual(3_000 + 1_000 * 15);
  });

  it("keeps the whole reservation where no usage came", async () => {
    await using opened = await openProxy(
      (_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}"),
    );
    await (await post(opened, { ...plain, stream: false })).body.dump();
    await until(() => opened.facts.length === 1);
    const [entry] = opened.spend.entries.values();
    expect(entry?.settled).toBe(entry?.reserved);
    expect(opened.proxy.totals().costMicroUsd).toBe(entry?.reserved);
  });

  it("sends nothing when the store cannot be asked, and hands the failure up", async () => {
    await using opened = await openProxy();
    opened.spend.reserve = () => Promise.reject(new Error("the control plane is away"));
    await expect(post(opened)).rejects.toThrow();
    expect(opened.failures).toEqual([expect.objectContaining({ message: "the control plane is away" })]);
    expect(opened.model.requests).toEqual([]);
  });
});

describe("a provider in trouble", () => {
  it("is tried again until it answers, and charged once", async () => {
    let calls = 0;
    await using opened = await openProxy((_request, response) => {
      if (++calls > 2) return { text: "at last" };
      response.writeHead(calls === 1 ? 529 : 429, { "retry-after": "0" }).end("{}");
      return undefined;
    });
    expect((await post(opened)).statusCode).toBe(200);
    await until(() => opened.facts.length === 1);
    expect(opened.facts[0]).toMatchObject({ attempts: 3, costMicroUsd: 3_750 });
    expect(opened.proxy.totals().costMicroUsd).toBe(3_750);
  });

  it("is given up within the run's time, truthfully (case 32)", async () => {
    await using opened = await openProxy((_request, response) => void response.writeHead(529).end("{}"), {
      wallSeconds: 1,
    });
    const answer = await post(opened);
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["x-should-retry"]).toBe("false");
    expect(opened.proxy.state.ended).toMatchObject({ reason: "model_unavailable", status: 529 });
    expect(opened.proxy.totals().costMicroUsd).toBe(0);
    expect((await post(opened)).statusCode).toBe(503);
  });

  it("that cannot be reached costs nothing; one that hangs up after the request may have cost", async () => {
    await using away = await openProxy(undefined, { baseUrl: "http://127.0.0.1:9", wallSeconds: 0.2 });
    expect((await post(away)).statusCode).toBe(503);
    expect(away.proxy.totals().costMicroUsd).toBe(0);
    expect(away.proxy.state.ended).toMatchObject({ reason: "network", isPassing: true });
    expect(away.proxy.state.ended?.detail).toMatch(
      /^The model at http:\/\/127\.0\.0\.1:9 cannot be reached: the connection was refused/,
    );
    await using rude = await openProxy((_request, response) => void response.destroy(), {
      wallSeconds: 0.2,
    });
    expect((await post(rude)).statusCode).toBe(503);
    expect(rude.proxy.totals().costMicroUsd).toBeGreaterThan(15_000);
  });

  it("that refuses the key ends the run with that reason; its word is passed on", async () => {
    await using opened = await openProxy(
      (_request, response) =>
        void response.writeHead(401, { "content-type": "application/json" }).end('{"type":"error"}'),
    );
    expect((await post(opened)).statusCode).toBe(401);
    expect(opened.proxy.state.ended).toMatchObject({ reason: "credential", status: 401 });
    expect(opened.model.requests).toHaveLength(1);
  });
});

it("keeps our key from who is inside, when the provider's refusal names it", async () => {
  const said = "x-api-key sk-ours-8-and-more is not valid: " + Buffer.from("sk-ours-8-and-more").toString("base64");
  await using opened = await openProxy(
    ({ url }, response) =>
      void response
        .writeHead(url.includes("count") ? 422 : 400, {
          "content-type": "application/json",
          "request-id": "sk-ours-8-and-more",
        })
        .end(JSON.stringify({ type: "error", error: { message: said, padding: "y".repeat(200_000) } })),
    { credential: { type: "anthropic_api_key", value: "sk-ours-8-and-more" } },
  );
  for (const [path, status] of [["/v1/messages", 400], ["/v1/messages/count_tokens", 422]] as const) {
    const answer = await post(opened, plain, { path });
    expect([answer.statusCode, answer.headers["request-id"]]).toEqual([status, "[redacted: key]"]);
    const text = await answer.body.text();
    expect(text).toContain("x-api-key [redacted: key] is not valid: [redacted: key]");
    expect(text.length).toBeLessThan(70_000);
  } // prettier-ignore
  expect(opened.failures).toEqual([]);
});

it("ends and settles what is under way when it is closed", async () => {
  await using opened = await openProxy((_request, response) => sendEvents(response, [messageStart("a")]));
  const answer = await post(opened);
  const reading = text(answer.body).catch(ignoring("UND_ERR_SOCKET"));
  await opened.proxy.close();
  await reading;
  expect(opened.proxy.totals().costMicroUsd).toBeGreaterThanOrEqual(3_000);
  expect([...opened.spend.entries.values()].every(({ settled }) => settled !== null)).toBe(true);
});

function maxTokensOf(opened: Opened): number {
  return (JSON.parse(opened.model.requests[0]?.body ?? "{}") as { max_tokens: number }).max_tokens;
}
