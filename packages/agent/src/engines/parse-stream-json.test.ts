import { describe, expect, it } from "vitest";
import { parseStreamJson } from "./parse-stream-json.ts";

const parse = (value: unknown) => parseStreamJson(JSON.stringify(value));

describe("parseStreamJson", () => {
  it("tells words, tools and claimed usage of a message", () => {
    const content = [{ type: "text", text: "I look." }, { type: "tool_use", id: "t", name: "Read", input: { file_path: "/work/a.js" } }, { type: "thinking", thinking: "…" }]; // prettier-ignore
    expect(
      parse({
        type: "assistant",
        message: {
          model: "m",
          content,
          usage: { input_tokens: 5, output_tokens: 2, cache_read_input_tokens: null },
        },
      }),
    ).toEqual([
      { type: "log", level: "info", text: "I look." },
      { type: "tool", name: "Read", summary: "/work/a.js" },
      { type: "usage", model: "m", tokens: { input: 5, output: 2, cacheRead: 0, cacheWrite: 0 } },
    ]);
  });

  it("takes success for done only without an error: a failing API says success", () => {
    const result = { type: "result", subtype: "success", result: "API Error: 402 budget" };
    expect(parse({ ...result, result: "Fixed." })).toEqual([{ type: "result", claim: "done", summary: "Fixed." }]);
    expect(parse({ ...result, is_error: true })).toEqual([
      { type: "result", claim: "error", summary: "API Error: 402 budget" },
    ]);
    expect(parse({ type: "result", subtype: "error_max_turns", is_error: true })).toMatchObject([{ claim: "gave_up" }]);
    expect(parse({ type: "result", subtype: "error_during_execution" })).toMatchObject([{ claim: "error" }]);
  });

  it("takes nothing else for its own line", () => {
    for (const line of [
      "STAGE: deployed",
      "{",
      "[]",
      "null",
      '{"type":"stage","stage":"deployed"}',
      '{"type":"result"}',
      '{"type":"assistant","message":{"content":"x"}}',
      "",
    ])
      expect(parseStreamJson(line)).toBeNull();
  });
});
