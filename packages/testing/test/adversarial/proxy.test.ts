import { readFileSync, writeFileSync } from "node:fs";
import type { ScenarioInput } from "@feedback-chat/demo/model-server";
import { describe, expect, inject, it } from "vitest";
import { openAttack } from "../../src/open-attack.ts";
import { openWorld } from "../../src/open-world.ts";
import {
  answersOf, ledgerFile, openProxyAttack, plain, type Plants, settledOf, speakOutside, wire,
} from "./proxy-plants.ts"; // prettier-ignore

const dataFolder = inject("dataFolder");
const statusOf = (answer: string | undefined) => /^HTTP\/1\.1 (\d{3})/.exec(answer ?? "")?.[1] ?? "none";

describe("what the proxy lets out", () => {
  const elsewhere: Plants = {
    files: wire({ target: "/v1/files" }),
    "list of files": wire({ method: "GET", target: "/v1/files" }),
    batches: wire({ target: "/v1/messages/batches" }),
    models: wire({ method: "GET", target: "/v1/models" }),
    "another method": wire({ method: "PUT" }),
    "another query": wire({ target: "/v1/messages?beta=true&x=1" }),
    "a path with dots": wire({ target: "/v1/files/../messages" }),
    "an encoded path": wire({ target: "/v1/messages%2Fbatches" }),
    "two slashes": wire({ target: "//v1/messages" }),
    "an address": wire({ target: "http://upstream.invalid/v1/messages" }),
    connect: "CONNECT upstream.invalid:443 HTTP/1.1\r\nhost: upstream.invalid:443\r\n\r\n",
    upgrade: wire({ method: "GET", headers: ["upgrade: websocket", "connection: upgrade"] }),
    "upgrade of a right target": wire({ headers: ["upgrade: h2c", "connection: upgrade"] }),
    "http/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };

  it("case 25: no file, batch, list of models, tunnel or upgrade reaches the upstream; a message does", async () => {
    await using attack = await openProxyAttack({ ...elsewhere, message: wire() }, { dataFolder, isByClaude: true });
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    const { message, ...refused } = answersOf(attack);
    expect(Object.keys(refused)).toEqual(Object.keys(elsewhere));
    for (const [name, answer] of Object.entries(refused)) expect(statusOf(answer), name).toMatch(/^40[0-5]$/);
    // The same socket, the same program: what is admitted is answered.
    expect(message).toContain("HTTP/1.1 200");
    const ofTheEngine = "POST /v1/messages?beta=true";
    const lines = () => attack.model.requests.map(({ method, path }) => `${method} ${path}`);
    expect(lines()).toEqual([ofTheEngine, ofTheEngine, "POST /v1/messages", ofTheEngine]);
    // Without our walls the upstream does see them.
    for (const bytes of Object.values(elsewhere)) await speakOutside(attack.model.url, bytes);
    expect(lines()).toEqual(expect.arrayContaining(["POST /v1/files", "POST /v1/messages/batches", "GET /v1/models"]));
  });
});

describe("what the upstream sees", () => {
  const foreign = [
    "Host: evil.example", "x-api-key: sk-of-the-attacker", "X-API-Key: sk-of-the-attacker-2", "authorization: Bearer of-the-attacker",
    "proxy-authorization: Basic of-the-attacker", "cookie: session=of-the-attacker", "x-forwarded-for: 6.6.6.6", "x-forwarded-host: evil.example",
    "forwarded: host=evil.example", "anthropic-beta: files-api-2025-04-14,mcp-client-2025-04-04,interleaved-thinking-2025-05-14",
    "anthropic-beta: context-1m-2025-08-07, code-execution-2025-05-22", "anthropic-version: evil", "anthropic-dangerous-direct-browser-access: true",
    "accept: text/evil", "accept-encoding: gzip", "user-agent: evil", "x-stainless-helper: evil", "referer: http://evil.example/",
  ]; // prettier-ignore
  const plants: Plants = {
    headers: wire({ headers: foreign }).replace("host: model.invalid\r\n", ""),
    "a second host": wire({ headers: ["host: evil.example"] }),
    trailers:
      "POST /v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-api-key\r\nconnection: close\r\n\r\n" +
      `${JSON.stringify(plain).length.toString(16)}\r\n${JSON.stringify(plain)}\r\n0\r\nx-api-key: sk-of-the-attacker\r\n\r\n`,
  };
  const isOurs =
    /^(host|connection|content-length|content-type|accept|accept-encoding|anthropic-version|anthropic-beta|x-api-key|authorization|transfer-encoding)$/;

  it.each([
    ["an API key", (key: string) => ({ ANTHROPIC_API_KEY: key }), "x-api-key", ""],
    ["the owner's own Claude token", (key: string) => ({ CLAUDE_CODE_OAUTH_TOKEN: key }), "authorization", ",oauth-2025-04-20"],
  ])("case 26: of host, keys and betas only ours, with %s", async (_name, keyIn, header, beta) => {
    await using attack = await openProxyAttack(plants, { dataFolder });
    const { modelKey } = attack.secrets;
    delete attack.env["ANTHROPIC_API_KEY"];
    Object.assign(attack.env, keyIn(modelKey));
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    const answers = answersOf(attack);
    expect(statusOf(answers["headers"])).toBe("200");
    // A second Host is refused as a whole, trailers are dropped.
    expect(statusOf(answers["a second host"])).toMatch(/^(200|400)$/);
    const seen = attack.model.requests;
    expect(seen.length).toBe(Object.values(answers).filter((answer) => statusOf(answer) === "200").length);
    for (const request of seen) {
      expect(Object.keys(request.headers).filter((name) => !isOurs.test(name))).toEqual([]);
      expect(request.headers["host"]).toBe(new URL(attack.model.url).host);
      expect(request.headers[header]).toMatch(new RegExp(`${modelKey.slice(-4)}$`));
      expect(Object.keys(request.headers).filter((name) => /api-key|authorization/.test(name))).toEqual([header]);
      expect(request.headers["anthropic-version"]).toBe("2023-06-01");
      expect(JSON.stringify(request)).not.toMatch(/evil|attacker|6\.6\.6\.6|gzip|files-api|mcp-client|1m-2025|code-execution/);
    }
    expect(seen[0]?.headers["anthropic-beta"]).toBe(`interleaved-thinking-2025-05-14${beta}`);
    expect(attack.model.sawKey(modelKey)).toBe(true);
    for (const key of ["sk-of-the-attacker", "of-the-attacker"]) expect(attack.model.sawKey(key)).toBe(false);
    // Without our walls it sees all of it.
    await speakOutside(attack.model.url, plants["headers"]);
    expect(JSON.stringify(attack.model.requests.at(-1))).toMatch(/evil\.example/);
    expect(attack.model.requests.at(-1)?.keyLast4).toBe("er-2");
  }); // prettier-ignore
});

describe("what counts as one request", () => {
  const body = JSON.stringify(plain);
  const inner = wire({ target: "/v1/files", body: "{}" });
  const start = "POST /v1/messages HTTP/1.1\r\nhost: x\r\n";
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const smuggled: Plants = {
    "length and chunks": `${start}content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    "chunks and length": `${start}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${chunked}${inner}`,
    "two lengths": `${start}content-length: ${body.length}\r\ncontent-length: 2\r\n\r\n${body}${inner}`,
    "a list of lengths": `${start}content-length: ${body.length}, ${body.length}\r\n\r\n${body}${inner}`,
    "a length with a sign": `${start}content-length: +${body.length}\r\n\r\n${body}${inner}`,
    "chunks by another name": `${start}transfer-encoding: xchunked\r\n\r\n${chunked}${inner}`,
    "chunks twice": `${start}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunked}${inner}`,
    "a space before the colon": `${start}transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\n${chunked}${inner}`,
    "a folded header": `${start}x: y\r\n transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n${chunked}${inner}`,
    "bare line feeds": `${start.replaceAll("\r\n", "\n")}content-length: ${body.length}\n\n${body}${inner}`,
    "a chunk size beyond all numbers": `${start}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n${body}\r\n0\r\n\r\n${inner}`,
  };
  const kept = wire().replace("connection: close\r\n", "");

  it("case 27: two lengths are refused, and a second request in the same bytes is judged alone", async () => {
    const pipelined: Plants = {
      "a file behind a message": `${kept}${inner}`,
      "a forbidden model behind a message": `${kept}${wire({ body: { ...plain, model: "claude-opus-4-1" } })}`,
      "two messages": `${kept}${wire()}`,
      "whole in chunks": `${start}transfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunked}`,
    };
    await using attack = await openProxyAttack({ ...smuggled, ...pipelined }, { dataFolder });
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    const answers = answersOf(attack);
    const statuses = (name: string) =>
      [...(answers[name] ?? "").matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    for (const name of Object.keys(smuggled)) expect(statuses(name), `${name}: ${answers[name]}`).toEqual(["400"]);
    expect(Object.keys(pipelined).map(statuses)).toEqual([["200", "404"], ["200", "403"], ["200", "200"], ["200"]]);
    // One body for each 200, written anew and with one length; nothing else ever left.
    expect(attack.model.requests.map(({ method, path, body: seen }) => [method, path, seen])).toEqual(
      Array.from({ length: 5 }, () => ["POST", "/v1/messages", plain]),
    );
    for (const { headers } of attack.model.requests) {
      expect(headers["transfer-encoding"]).toBeUndefined();
      expect(headers["content-length"]).toBe(String(body.length));
    }
    // Without our walls the second request of such bytes does arrive.
    await speakOutside(attack.model.url, pipelined["a file behind a message"]);
    expect(attack.model.requests.at(-1)?.path).toBe("/v1/files");
  });

  it("case 28: a forbidden model, a member that stands twice and whatever opens the provider's network are refused", async () => {
    const twice = (one: string, two: string) =>
      `{${one},"max_tokens":9,"messages":[{"role":"user","content":"twin"}],${two}}`;
    const ours = `"model":"${plain.model}"`;
    const content = (block: object) => ({ ...plain, messages: [{ role: "user", content: [block] }] });
    const bodies: Record<string, unknown> = {
      "another model": { ...plain, model: "claude-opus-4-1" },
      "no known model": { ...plain, model: "claude-sonnet-4-5 " },
      "a model in a list": { ...plain, model: [plain.model] },
      "two models": twice(ours, `"model":"claude-opus-4-1"`),
      "two models, the right one last": twice(`"model":"claude-opus-4-1"`, ours),
      "two models, one of them escaped": twice(ours, `"mod\\u0065l":"claude-opus-4-1"`),
      "two members in a message": `{${ours},"max_tokens":9,"messages":[{"role":"user","content":"a","content":"twin"}]}`,
      "a prototype": twice(ours, `"__proto__":{"model":"claude-opus-4-1"}`),
      "a web search": { ...plain, tools: [{ type: "web_search_20250305", name: "web_search" }] },
      "a fetch": { ...plain, tools: [{ type: "web_fetch_20250910", name: "web_fetch" }] },
      "code at the provider": { ...plain, tools: [{ type: "code_execution_20250825", name: "code_execution" }] },
      "a connector": { ...plain, mcp_servers: [{ type: "url", url: "http://evil.example", name: "x" }] },
      "a container": { ...plain, container: "c" },
      "an address of an image": content({ type: "image", source: { type: "url", url: "http://evil.example/x.png" } }),
      "an id of a file": content({ type: "image", source: { type: "file", file_id: "f" } }),
      "a document": content({ type: "document", source: { type: "url", url: "http://evil.example" } }),
      "another tier": { ...plain, service_tier: "auto" },
      "another speed": { ...plain, speed: "fast" },
    };
    const plants = Object.fromEntries(Object.entries(bodies).map(([name, one]) => [name, wire({ body: one })]));
    plants["no UTF-8"] = wire({ body: "#" }).replace("content-length: 1", "content-length: 3").replace(/#$/, '{"\xff');
    await using attack = await openProxyAttack({ ...plants, plain: wire() }, { dataFolder });
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    const { plain: admitted, ...refused } = answersOf(attack);
    expect(Object.keys(refused)).toEqual(Object.keys(plants));
    for (const [name, answer] of Object.entries(refused)) expect(statusOf(answer), name).toMatch(/^40[03]$/);
    expect(statusOf(admitted)).toBe("200");
    expect(attack.model.requests.map((request) => request.body)).toEqual([plain]);
    expect(run.result?.costMicroUsd).toBe(attack.model.counted.costMicroUsd);
    // Without our walls the upstream takes a body with two models, as one of them.
    await speakOutside(attack.model.url, plants["two models"]);
    expect(attack.model.requests.at(-1)?.body).toMatchObject({ model: "claude-opus-4-1" });
  });
});

describe("what it may cost", () => {
  it("case 29: below a ceiling of 0.05 USD a dear request is never sent, nor is the sum of many small ones dearer", async () => {
    const dear = wire({ body: { ...plain, messages: [{ role: "user", content: "x".repeat(20_000) }] } });
    const attackWith = (plants: Plants) => openProxyAttack(plants, { dataFolder, isTogether: true });
    const auto = ["--publish", "auto", "--budget"];
    await using poor = await attackWith({ dear });
    const run = await poor.run([...auto, "0.05"]);
    expect(poor.model.requests).toEqual([]);
    // The change that was made is a draft for a person, and says why.
    expect(run.result, run.said).toMatchObject({ stage: "validating", waitingFor: "approval", costMicroUsd: 0 });
    expect(run.evidence?.done).toMatchObject({ isUnfinished: true, unfinishedBecause: "budget" });
    expect(run.diff).toContain("HTTP/1.1 402");

    // The same bytes under the usual ceiling are sent.
    await using rich = await attackWith({ dear });
    expect((await rich.run([...auto, "2"])).code).toBe(0);
    expect(rich.model.requests).toHaveLength(1);

    const many = Array.from({ length: 24 }, (_, at) => [`small ${at}`, wire()]);
    await using crowd = await attackWith(Object.fromEntries(many));
    const spent = await crowd.run([...auto, "0.05"]);
    const { requests, costMicroUsd } = crowd.model.counted;
    expect(requests).toBeGreaterThan(1);
    expect(requests).toBeLessThan(24);
    expect(spent.result?.costMicroUsd, spent.said).toBe(costMicroUsd);
    expect(costMicroUsd).toBeLessThanOrEqual(50_000);
  });

  it("ends an engine within seconds that goes on after the first refusal, and holds its draft", async () => {
    const dear = wire({ body: { ...plain, messages: [{ role: "user", content: "x".repeat(20_000) }] } });
    await using attack = await openProxyAttack({ dear }, { dataFolder, lingersSeconds: 120 });
    const run = await attack.run(["--publish", "auto", "--budget", "0.05"]);
    expect(run.result, run.said).toMatchObject({ stage: "validating", waitingFor: "approval" });
    expect(run.evidence?.done).toMatchObject({ isUnfinished: true, unfinishedBecause: "budget" });
    expect(run.evidence?.spent.agentMs).toBeLessThan(45_000);
  });

  it("case 30: a stream that either side cuts is charged, never zero, and a whole one to the token", async () => {
    const text = "y".repeat(300);
    const scenario: ScenarioInput = {
      name: "cuts", about: "Each turn ends in another way.",
      steps: [
        { text, fault: { kind: "cut", afterEvents: 4 } },
        { text, fault: { kind: "stall", afterEvents: 4 } },
        { text, delayMs: 3_000 },
        { text, fault: { kind: "cut", afterEvents: 0 } },
        { text, fault: { kind: "sse_error", afterEvents: 4 } },
        { text, usage: { input: 700, output: 80 } },
      ],
    }; // prettier-ignore
    const turn = (step: number) => {
      const said = Array.from({ length: step }, () => ({ role: "assistant", content: "turn" }));
      return wire({ body: { ...plain, stream: true, messages: [...plain.messages, ...said] } });
    };
    const plants: Plants = {
      "the provider cuts in the middle": turn(0),
      "the client leaves in the middle": { bytes: turn(1), leavesAfterMs: 0 },
      "the provider cuts before the first word": turn(3),
      "the provider breaks off with an error": turn(4),
      whole: turn(5),
      // The last, so that the engine ends while it is still being settled: the evidence waits for that.
      "the client leaves before the first word": { bytes: turn(2), leavesAfterMs: 300 },
    };
    await using attack = await openProxyAttack(plants, { dataFolder, scenario });
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    expect(attack.model.requests).toHaveLength(6);
    const settled = settledOf(attack, run);
    expect(settled).toHaveLength(6);
    const [cut = 0, left = 0, silent = 0, broken = 0, whole, early = 0] = settled.map(({ microUsd }) => microUsd);
    // 1,200 in, and what the model can have written in that time (at least a second), up to the 1,000 that it might.
    for (const part of [cut, left, broken]) {
      expect(part).toBeGreaterThanOrEqual(3_600 + 500 * 15);
      expect(part).toBeLessThanOrEqual(3_600 + 1_000 * 15);
    }
    for (const kept of [early, silent]) expect(kept).toBeGreaterThan(15_000);
    expect(whole).toBe(700 * 3 + 80 * 15);
    const sum = settled.reduce((all, { microUsd }) => all + microUsd, 0);
    expect([run.result?.costMicroUsd, run.evidence?.spent.costMicroUsd]).toEqual([sum, sum]);
    // They did run: the client saw what it was cut off from.
    const answers = answersOf(attack);
    expect(answers["the provider cuts in the middle"]).toContain("yyy");
    expect(answers["the provider cuts in the middle"]).not.toContain("message_stop");
    expect(answers["the client leaves before the first word"]).toBe("");
    expect(answers["whole"]).toContain("message_stop");
  });

  it("case 31: with a budget of 0 no process starts, of the run or of the day, and reason and exit code say so", async () => {
    await using attack = await openProxyAttack({ message: wire() }, { dataFolder });
    const run = await attack.run(["--publish", "auto", "--budget", "0"]);
    expect(run.code).toBe(1);
    expect(run.result).toMatchObject({ stage: "failed", reason: "budget", costMicroUsd: 0, prUrl: null });
    expect(run.result?.reasonText).toMatch(/budget is 0/);
    const phases = (of: typeof run) => of.events.flatMap(({ phase }) => (typeof phase === "string" ? [phase] : []));
    expect(phases(run)).toEqual([]);

    // The same issue with a budget does start.
    const paid = await attack.run(["--publish", "hold", "--budget", "1"]);
    expect(phases(paid)).toContain("agent");
    expect(attack.model.requests).toHaveLength(1);

    // The day is used up by a run of another issue.
    const before = JSON.parse(readFileSync(ledgerFile(attack), "utf8")) as { entries: object[] };
    const entries = before.entries.map((entry) => ({ ...entry, runId: "run_of_before", microUsd: 20_000_000 }));
    writeFileSync(ledgerFile(attack), JSON.stringify({ ...before, entries }));
    const { number } = attack.github.openIssue({
      repo: attack.repo, author: "ada", title: "Another", body: "Words.", labels: ["auto-implement"],
    }); // prettier-ignore
    const late = await attack.ended(
      attack.start(["run", String(number), "--repo", attack.repo, "--json", "--publish", "auto"]),
    );
    expect(late.code).toBe(1);
    expect(late.said).toMatch(/budget_exceeded/);
    expect(late.said).toMatch(/24 hours/);
    expect(phases(late)).toEqual([]);
    expect(attack.model.requests).toHaveLength(1);
  });
});

describe("a provider with its own names and prices", () => {
  const model = "anthropic/claude-sonnet-4.5";
  const message = wire({ body: { ...plain, model } });

  it("is served with the owner's token as Bearer, and charged by the owner's table", async () => {
    const prices = JSON.stringify({ [model]: { inputUsd: 30, outputUsd: 150 } });
    const usage = { input: 1_000, output: 100, cacheRead: 500 };
    const scenario: ScenarioInput = { name: "cache", about: "Reads a cache.", steps: [{ text: "hi", usage }] };
    await using attack = await openProxyAttack({ message, "our usual model": wire() }, { dataFolder, scenario });
    const { modelKey } = attack.secrets;
    delete attack.env["ANTHROPIC_API_KEY"];
    Object.assign(attack.env, { ANTHROPIC_AUTH_TOKEN: modelKey, ANTHROPIC_MODEL: model, FEEDBACK_CHAT_PRICES: prices });
    const run = await attack.run();
    expect(run.code, run.said).toBe(0);
    expect(Object.values(answersOf(attack)).map(statusOf)).toEqual(["200", "403"]);
    expect(attack.model.requests.map(({ body }) => body)).toEqual([{ ...plain, model }]);
    expect(attack.model.requests[0]?.headers["authorization"]).toBe(`…${modelKey.slice(-4)}`);
    expect(attack.model.requests[0]?.headers["x-api-key"]).toBeUndefined();
    expect(run.result?.costMicroUsd).toBe(1_500 * 30 + 100 * 150);
  });

  it("starts nothing while the model's price is unknown, whatever a file of the repository says", async () => {
    const env = { ANTHROPIC_MODEL: model };
    const files = { ".env.local": `FEEDBACK_CHAT_PRICES={"${model}":{"inputUsd":0,"outputUsd":0}}` };
    await using attack = await openAttack({ dataFolder, env, files });
    const run = await attack.run();
    expect(run.code).toBe(1);
    expect(run.said).toContain("price_unknown");
    expect(run.said).toMatch(/does not name the model.*claude-sonnet-4\.5/);
    expect(run.said).toMatch(/FEEDBACK_CHAT_PRICES.*`prices` in the project's settings/);
    expect(run.result).toBeNull();
    expect(attack.model.requests).toEqual([]);
  });
});

describe("a provider that is busy for ever", () => {
  it("case 32: ends a run in time and says so, when it asks to come back after the run's own minutes", async () => {
    const scenario: ScenarioInput = {
      name: "busy", about: "529 for ever.", afterwards: "repeat_last",
      steps: [{ fault: { kind: "status", status: 529, headers: { "retry-after": "7200" } } }],
    }; // prettier-ignore
    await using attack = await openAttack({ dataFolder, scenario });
    const run = await attack.run();
    expect(run.code).toBe(1);
    expect(run.result).toMatchObject({ stage: "failed", reason: "model_unavailable", costMicroUsd: 0, prUrl: null });
    expect(run.result?.reasonText).toMatch(/529/);
    expect(attack.model.requests).toHaveLength(1);
    expect(attack.refs()).toEqual(["refs/heads/main"]);
  });

  it("case 32: is tried again within the run's minutes and no longer, on a worker", async () => {
    const ask = `const request = require("node:http").request({ socketPath: process.env.ANTHROPIC_UNIX_SOCKET, path: "/v1/messages", method: "POST" },
      (answer) => answer.pipe(process.stdout)); request.end(JSON.stringify(${JSON.stringify(plain)}));`;
    await using world = await openWorld({
      scenario: "overloaded", settings: { budgetMinutes: 0.05, publish: "auto" },
      engineCommand: ["node", "-e", ask],
    }); // prettier-ignore
    await world.startWorker();
    const { number } = world.openIssue();
    const failed = await world.runThat("the end", (run) => run.issueNumber === number && run.stage === "failed", 60);
    expect(failed).toMatchObject({ reason: "model_unavailable", costMicroUsd: 0, prNumber: null });
    expect((await world.runOf(failed.id)).reasonText).toMatch(/529/);
    expect(world.model.requests.map(({ status }) => status)).toEqual(expect.arrayContaining([529, 529]));
    // The minutes are the run's, however many attempts it has.
    expect(world.model.requests.length).toBeLessThanOrEqual(7);
  });
});
