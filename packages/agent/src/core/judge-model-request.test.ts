import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitRequest, judgeModelRequest, maxOutputTokens } from "./judge-model-request.ts";
import { priceTable } from "./prices.ts";
import { parseStrictJson } from "./parse-strict-json.ts";

const model = "claude-sonnet-4-5";
const rules = { models: priceTable({ [model]: { inputUsd: 3, outputUsd: 15 } }), isCountOnly: false };
const plain = {
  model: "claude-sonnet-4-5",
  max_tokens: 1_000,
  messages: [{ role: "user", content: "hi" }],
};
const judge = (body: unknown) => judgeModelRequest(typeof body === "string" ? body : JSON.stringify(body), rules);

describe("judgeModelRequest", () => {
  it("admits what the engine sends", () => {
    const body = {
      ...plain,
      system: [{ type: "text", text: "You are", cache_control: { type: "ephemeral" } }],
      tools: [{ name: "Bash", description: "runs", input_schema: { type: "object" }, defer_loading: true }],
      messages: [
        { role: "user", content: [{ type: "text", text: "go" }, { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } }] },
        { role: "assistant", content: [{ type: "thinking", thinking: "…", signature: "x" }, { type: "tool_use", id: "t", name: "Bash", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "ok" }] }] },
      ],
      metadata: { user_id: "u" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "medium" },
      stream: true,
    }; // prettier-ignore
    expect(judge(body)).toMatchObject({
      ok: true,
      model: plain.model,
      isStream: true,
      maxTokens: 1_000,
    });
  });

  it("counts a byte as a token and an image as 6,000, and reserves the dearest class", () => {
    const image = {
      type: "image",
      source: { type: "base64", media_type: "image/png", data: "AA==" },
    };
    const body = JSON.stringify({ ...plain, messages: [{ role: "user", content: [image] }] });
    const judged = judge(body);
    expect(judged).toMatchObject({
      promptTokens: body.length + 6_000,
      worstCase: Math.ceil((body.length + 6_000) * 6 + 15_000),
    });
  });

  it("counts a PDF as the longest prompt there is, and a text document by its bytes", () => {
    const document = (source: object) => ({
      ...plain,
      messages: [
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "document", source, title: "plan" }] }],
        },
      ],
    });
    const pdf = judge(document({ type: "base64", media_type: "application/pdf", data: "AA==" }));
    expect(pdf).toMatchObject({ ok: true, hasPdf: true, promptTokens: 1_000_000 });
    const text = document({ type: "text", media_type: "text/plain", data: "t" });
    expect(judge(text)).toMatchObject({ ok: true, hasPdf: false, promptTokens: JSON.stringify(text).length });
  });

  it("counts the longer of what came and what goes, and the provider's own words about tools", () => {
    const input = `[${Array.from({ length: 50 }, () => "1e20").join(",")}]`;
    const call = `[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":${input}}]}]`;
    const judged = judge(`{"model":"${model}","max_tokens":10,"messages":${call}}`);
    expect(judged.ok && judged.promptTokens).toBe(judged.ok && judged.body.length);
    const tool = { name: "n", input_schema: { type: "object" } };
    const withTool = judge({ ...plain, tools: [tool] });
    expect(withTool.ok && withTool.promptTokens).toBe(JSON.stringify({ ...plain, tools: [tool] }).length + 1_000);
  });

  it("reserves at least a token for each byte that it sends", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (input, isPretty) => {
        const value: unknown = JSON.parse(input);
        if (input.includes("__proto__")) return;
        const messages = [{ role: "user", content: [{ type: "tool_use", id: "t", name: "n", input: value }] }];
        const judged = judge(JSON.stringify({ ...plain, messages }, null, isPretty ? 2 : 0));
        if (judged.ok) expect(judged.promptTokens).toBeGreaterThanOrEqual(Buffer.byteLength(judged.body));
      }),
    );
  });

  it("clamps max_tokens, and the thinking below it", () => {
    const judged = judge({
      ...plain,
      max_tokens: 64_000,
      thinking: { type: "enabled", budget_tokens: 31_999 },
    });
    expect(judged.ok && JSON.parse(judged.body)).toMatchObject({
      max_tokens: 16_384,
      thinking: { budget_tokens: 15_360 },
    });
  });

  it.each([
    ["no object", "[]"], ["no JSON", "{"],
    ["a depth that nobody could walk", `{"model":"claude-sonnet-4-5","max_tokens":1,"messages":[],"metadata":${"[".repeat(100_000)}${"]".repeat(100_000)}}`], ["a member twice", '{"model":"claude-sonnet-4-5","model":"x","max_tokens":1,"messages":[]}'],
    ["a member twice, one of them escaped", '{"model":"claude-sonnet-4-5","mod\\u0065l":"x","max_tokens":1,"messages":[]}'],
    ["a member twice, deep down", '{"model":"claude-sonnet-4-5","max_tokens":1,"messages":[{"role":"user","role":"system","content":""}]}'],
    ["a foreign model", { ...plain, model: "claude-opus-4-1" }], ["no model", { ...plain, model: undefined }], ["no messages", { ...plain, messages: undefined }],
    ["max_tokens as text", { ...plain, max_tokens: "9" }], ["negative max_tokens", { ...plain, max_tokens: -1 }], ["no max_tokens", { ...plain, max_tokens: undefined }],
    ["a web search", { ...plain, tools: [{ type: "web_search_20250305", name: "web_search" }] }], ["code execution", { ...plain, tools: [{ type: "code_execution_20250522", name: "x", input_schema: {} }] }],
    ["a tool without schema", { ...plain, tools: [{ name: "web_search" }] }], ["a connector", { ...plain, mcp_servers: [] }], ["a container", { ...plain, container: "c" }],
    ["another tier", { ...plain, service_tier: "priority" }], ["another speed", { ...plain, speed: "fast" }], ["another place", { ...plain, inference_geo: "us" }], ["an unknown member", { ...plain, surprise: 1 }],
    ["a document", { ...plain, messages: [{ role: "user", content: [{ type: "document", source: { type: "url", url: "https://x.example" } }] }] }],
    ["an image by address", { ...plain, messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "https://x.example" } }] }] }],
    ["an image by file id, inside a tool's result", { ...plain, messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }] }] }],
    ["a server tool's result", { ...plain, messages: [{ role: "user", content: [{ type: "web_search_tool_result", content: [] }] }] }],
    ["a document inside a search's result", { ...plain, messages: [{ role: "user", content: [{ type: "search_result", content: [{ type: "document", source: { type: "url", url: "https://x.example" } }] }] }] }],
    ["a document where no block has blocks", { ...plain, messages: [{ role: "user", content: [{ type: "text", text: "t", content: [{ type: "document", source: { type: "url", url: "https://x.example" } }] }] }] }],
    ["a compaction, which writes beyond max_tokens", { ...plain, context_management: { edits: [{ type: "compact_20260112" }] } }], ["a budget of the provider's own", { ...plain, output_config: { task_budget: 9 } }],
    ["a tool that programs at the provider may call", { ...plain, tools: [{ name: "n", input_schema: {}, allowed_callers: ["code_execution_20250825"] }] }],
    ["an upload", { ...plain, messages: [{ role: "user", content: [{ type: "container_upload", file_id: "f" }] }] }],
  ])("refuses %s (case 28)", (_name, body) => {
    expect(judge(body)).toMatchObject({ ok: false, reason: expect.any(String) });
  }); // prettier-ignore
});

/** One hostile member at each level: known fields of the API beside ours, and fields that nobody knows yet. */
const hostile: [string, Record<string, unknown>][] = (() => {
  const user = (block: unknown) => ({ messages: [{ role: "user", content: [block] }] });
  const text = { type: "text", text: "t" };
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } };
  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "AA==" } };
  const result = { type: "tool_result", tool_use_id: "t" };
  const use = { type: "tool_use", id: "t", name: "n", input: {} };
  const tool = { name: "n", input_schema: { type: "object" } };
  const extra = { surprise: 1 };
  const clearing = { type: "clear_tool_uses_20250919" };
  return [
    ["message", { messages: [{ role: "user", content: "hi", ...extra }] }],
    ["message's role", { messages: [{ role: "tool", content: "hi" }] }],
    ["image in a message of the system's", { messages: [{ role: "system", content: [image] }] }],
    ["message without a content", { messages: [{ role: "user" }] }],
    ["message whose content is a number", { messages: [{ role: "user", content: 7 }] }],
    ["text", user({ ...text, ...extra })],
    ["text's citations", user({ ...text, citations: [{ type: "web_search_result_location", url: "https://x.example" }] })],
    ["text that is a number", user({ type: "text", text: 7 })],
    ["image", user({ ...image, ...extra })],
    ["image's source", user({ ...image, source: { ...image.source, url: "https://x.example" } })],
    ["image's source by file", user({ ...image, source: { ...image.source, file_id: "f" } })],
    ["image's transcoding", user({ ...image, transform: { resize: 9 } })],
    ["tool_use", user({ ...use, ...extra })],
    ["tool_use's caller", user({ ...use, caller: { type: "code_execution_20250825", tool_id: "x" } })],
    ["tool_use's direct caller", user({ ...use, caller: { type: "direct", ...extra } })],
    ["tool_result", user({ ...result, ...extra })],
    ["tool_result's is_error", user({ ...result, is_error: "no" })],
    ["tool_result's text", user({ ...result, content: [{ ...text, ...extra }] })],
    ["tool_result's image", user({ ...result, content: [{ ...image, source: { type: "url", url: "https://x.example" } }] })],
    ["tool_result's document", user({ ...result, content: [{ ...pdf, source: { type: "url", url: "https://x.example" } }] })],
    ["tool_result's search_result", user({ ...result, content: [{ type: "search_result", source: "https://x.example", title: "t", content: [] }] })],
    ["tool_result's tool_use", user({ ...result, content: [use] })],
    ["tool_result inside a tool_result", user({ ...result, content: [{ ...result }] })],
    ["tool_reference", user({ type: "tool_reference", tool_name: "n", ...extra })],
    ["thinking block", user({ type: "thinking", thinking: "t", signature: "s", ...extra })],
    ["thinking block's cache_control", user({ type: "thinking", thinking: "t", signature: "s", cache_control: { type: "ephemeral" } })],
    ["redacted_thinking", user({ type: "redacted_thinking", data: "d", ...extra })],
    ["document", user({ ...pdf, ...extra })],
    ["document by address", user({ ...pdf, source: { type: "url", url: "https://x.example/a.pdf" } })],
    ["document by file id", user({ ...pdf, source: { type: "file", file_id: "f" } })],
    ["document of blocks", user({ ...pdf, source: { type: "content", content: [text] } })],
    ["document's source", user({ ...pdf, source: { ...pdf.source, url: "https://x.example/a.pdf" } })],
    ["document of another kind", user({ ...pdf, source: { ...pdf.source, media_type: "text/html" } })],
    ["document with citations, which repeat it", user({ ...pdf, citations: { enabled: true } })],
    ["document in a message of the system's", { messages: [{ role: "system", content: [pdf] }] }],
    ["server_tool_use", user({ type: "server_tool_use", id: "s", name: "web_search", input: {} })],
    ["mcp_tool_use", user({ type: "mcp_tool_use", id: "s", name: "n", server_name: "s", input: {} })],
    ["code_execution_tool_result", user({ type: "code_execution_tool_result", tool_use_id: "s", content: {} })],
    ["container_upload", user({ type: "container_upload", file_id: "f" })],
    ["compaction", user({ type: "compaction", content: "c" })],
    ["fallback", user({ type: "fallback", model: "x" })],
    ["block that is text", user("t")],
    ["cache_control", user({ ...text, cache_control: { type: "ephemeral", ...extra } })],
    ["cache_control's type", user({ ...text, cache_control: { type: "permanent" } })],
    ["cache_control's ttl", user({ ...text, cache_control: { type: "ephemeral", ttl: "30d" } })],
    ["cache_control's scope", user({ ...text, cache_control: { type: "ephemeral", scope: "global" } })],
    ["system text", { system: [{ ...text, ...extra }] }],
    ["system image", { system: [image] }],
    ["system text's cache_control", { system: [{ ...text, cache_control: { type: "ephemeral", ...extra } }] }],
    ["system that is a number", { system: 7 }],
    ["tool", { tools: [{ ...tool, ...extra }] }],
    ["tool's cache_control", { tools: [{ ...tool, cache_control: { type: "ephemeral", ...extra } }] }],
    ["tool's name", { tools: [{ ...tool, name: 7 }] }],
    ["tool's schema", { tools: [{ name: "n", input_schema: [] }] }],
    ["web_fetch", { tools: [{ type: "web_fetch_20250910", name: "web_fetch" }] }],
    ["bash of the provider", { tools: [{ type: "bash_20250124", name: "bash" }] }],
    ["memory of the provider", { tools: [{ type: "memory_20250818", name: "memory" }] }],
    ["search over tools", { tools: [{ type: "tool_search_tool_regex_20251119", name: "s" }] }],
    ["mcp toolset", { tools: [{ type: "mcp_toolset", mcp_server_name: "s" }] }],
    ["tools that are no list", { tools: {} }],
    ["tool_choice", { tool_choice: { type: "auto", ...extra } }],
    ["tool_choice's type", { tool_choice: { type: "server" } }],
    ["tool_choice without a name", { tool_choice: { type: "tool" } }],
    ["metadata", { metadata: { user_id: "u", ...extra } }],
    ["metadata's user_id", { metadata: { user_id: { deep: 1 } } }],
    ["thinking", { thinking: { type: "enabled", budget_tokens: 2_000, ...extra } }],
    ["thinking's type", { thinking: { type: "endless" } }],
    ["thinking's budget", { thinking: { type: "enabled", budget_tokens: "all" } }],
    ["context_management", { context_management: { edits: [], ...extra } }],
    ["edit", { context_management: { edits: [{ ...clearing, ...extra }] } }],
    ["edit's trigger", { context_management: { edits: [{ ...clearing, trigger: { type: "input_tokens", value: 9, ...extra } }] } }],
    ["edit's keep", { context_management: { edits: [{ ...clearing, keep: { type: "tool_uses", value: "9" } }] } }],
    ["edits that are no list", { context_management: { edits: {} } }],
    ["output_config", { output_config: { effort: "low", ...extra } }],
    ["output_config's format", { output_config: { format: { type: "json_schema", schema: {}, ...extra } } }],
    ["output_config's task budget", { output_config: { task_budget: { type: "tokens", total: 9 } } }],
    ["output_format", { output_format: { type: "json_schema", schema: {}, ...extra } }],
    ["stream", { stream: { include: "all" } }],
    ["temperature", { temperature: "hot" }],
    ["stop_sequences", { stop_sequences: [{ ...extra }] }],
    ["max_tokens", { max_tokens: 1e21 }],
    ["betas in the body", { betas: ["files-api-2025-04-14"] }],
    ["fallbacks", { fallbacks: [{ model: "x" }] }],
    ["a cache of the whole body", { cache_control: { type: "ephemeral" } }],
    ["user_profile_id", { user_profile_id: "u" }],
    ["__proto__", JSON.parse('{"__proto__":{"mcp_servers":[]}}') as Record<string, unknown>],
  ];
})(); // prettier-ignore

describe("members below the first level", () => {
  it.each(hostile)("refuses an unknown or foreign %s", (_name, members) => {
    const body = JSON.stringify({ ...plain, ...members });
    const withProto = Object.hasOwn(members, "__proto__") ? body.replace("{", '{"__proto__":{},') : body;
    const judged = judge(withProto);
    expect(judged).toMatchObject({ ok: false, reason: expect.stringMatching(/not admitted|missing|JSON/) as string });
  });

  it("admits a message of the system's, as the engine sends one to newer models", () => {
    const environment = { role: "system", content: [{ type: "text", text: "# Environment" }] };
    expect(judge({ ...plain, messages: [...plain.messages, environment] })).toMatchObject({ ok: true });
  });

  it("names the member and its place", () => {
    const [, members] = hostile.find(([name]) => name === "tool_result's text") ?? [];
    expect(judge({ ...plain, ...members })).toMatchObject({
      reason: 'the member "surprise" of messages.0.content.0.content.0 is not admitted',
    });
  });
});

describe("fitRequest", () => {
  it("makes the output smaller until it fits, and gives up below 1,024", () => {
    const judged = judge({
      ...plain,
      max_tokens: 16_000,
      thinking: { type: "enabled", budget_tokens: 8_000 },
    });
    if (!judged.ok) throw new Error(judged.reason);
    const fitted = fitRequest(judged, 60_000);
    expect(fitted?.worstCase).toBeLessThanOrEqual(60_000);
    expect(fitted && JSON.parse(fitted.body)).toMatchObject({
      max_tokens: fitted?.maxTokens,
      thinking: { budget_tokens: (fitted?.maxTokens ?? 0) - 1_024 },
    });
    expect(fitRequest(judged, 10_000)).toBeNull();
  });
});

describe("any body", () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const { block } = fc.letrec((tie) => ({ block: fc.record(
    {
      type: fc.constantFrom("text", "image", "tool_use", "tool_result", "thinking", "document", "server_tool_use", "mcp_tool_use", "container_upload", "search_result"),
      text: fc.string(), content: fc.oneof(json, fc.array(tie("block"), { maxLength: 2 })),
      source: fc.record({ type: fc.constantFrom("base64", "url", "file"), data: fc.string(), url: fc.webUrl() }, { requiredKeys: ["type"] }),
    },
    { requiredKeys: [] },
  ) })); // prettier-ignore
  const content = fc.oneof(fc.string(), fc.array(block, { maxLength: 3 }), json);
  const body = fc.record(
    {
      model: fc.constantFrom<unknown>(model, model, "claude-opus-9", "constructor", "__proto__", 1),
      max_tokens: fc.constantFrom<unknown>(1, 1_000, 1e6, 1.5, -1, "9", 2 ** 60),
      messages: fc.oneof(fc.array(fc.record({ role: fc.constantFrom("user", "assistant"), content }), { maxLength: 3 }), json),
      system: content, tools: fc.oneof(fc.array(fc.record({ type: fc.constantFrom("custom", "web_search_20250305", "bash_20250124"), name: fc.string(), input_schema: json, allowed_callers: json }, { requiredKeys: [] })), json),
      stream: fc.boolean(), thinking: json, mcp_servers: json, container: json,
      context_management: fc.record({ edits: fc.array(fc.record({ type: fc.constantFrom("clear_tool_uses_20250919", "compact_20260112") })) }),
      output_config: fc.oneof(json, fc.record({ effort: fc.constant("low"), task_budget: json }, { requiredKeys: [] })), speed: json, service_tier: json,
    },
    { requiredKeys: ["model", "messages", "max_tokens"] },
  ); // prettier-ignore

  it("that passes says nothing that opens a network or has no price, costs no more than was reserved, and passes again as it is", () => {
    const judgeAll = (text: string) => {
      const judged = judge(text);
      expect(judged).not.toMatchObject({ ok: false, reason: "" });
      if (!judged.ok) return;
      const said = JSON.parse(judged.body) as { max_tokens: number; model: string; messages: unknown; system?: unknown; tools?: unknown; context_management?: unknown; output_config?: unknown };
      expect(said.model).toBe(model);
      expect(Number.isSafeInteger(said.max_tokens) && said.max_tokens > 0 && said.max_tokens <= maxOutputTokens).toBe(true);
      for (const name of ["mcp_servers", "container", "speed", "service_tier"]) expect(said).not.toHaveProperty(name);
      for (const one of typesBelow([said.messages, said.system].map(contentsOf))) expect(["document", "server_tool_use", "mcp_tool_use", "container_upload", "search_result", "url", "file"]).not.toContain(one);
      expect(JSON.stringify([said.tools, said.context_management, said.output_config])).not.toMatch(/allowed_callers|compact_|task_budget/);
      expect(judged.worstCase).toBeGreaterThanOrEqual(judged.promptTokens * 3 + said.max_tokens * 15);
      expect(judged.promptTokens).toBeGreaterThanOrEqual(Buffer.byteLength(text));
      expect(judge(judged.body)).toMatchObject({ ok: true, body: judged.body });
      const fitted = fitRequest(judged, 50_000);
      if (fitted) expect(fitted.worstCase).toBeLessThanOrEqual(50_000);
    }; // prettier-ignore
    fc.assert(fc.property(body, (value) => judgeAll(JSON.stringify(value))));
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), judgeAll));
  });
});

/** What a message or the system shows as blocks: those of a tool's result too, not what a tool was given. */
function contentsOf(value: unknown): unknown {
  if (!Array.isArray(value)) return [];
  return value.map((one: { content?: unknown; source?: unknown; type?: unknown }) => [
    typeof one?.type === "string" ? { type: one.type } : {},
    one?.type === "image" ? one.source : {},
    contentsOf(one?.content),
  ]);
}

function typesBelow(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(typesBelow);
  if (typeof value !== "object" || value === null) return [];
  return "type" in value && typeof value.type === "string" ? [value.type] : [];
}

describe("parseStrictJson", () => {
  it("reads all that JSON can say, as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        fc.pre(!text.includes("__proto__"));
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses a repeated member wherever it stands", () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), fc.json(), (key, one, two) => {
        const name = JSON.stringify(key);
        expect(() => parseStrictJson(`{"a":[0,{${name}:${one},${name}:${two}}]}`)).toThrow(SyntaxError);
      }),
    );
  });
});
