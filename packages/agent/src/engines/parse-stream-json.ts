import * as z from "zod";
import type { EngineEvent, TokenCounts } from "../ports/engine.ts";

/** What we read of the engine's lines; anything may stand in them, since any process inside can write there. */
const usage = z.object({
  input_tokens: z.number().optional(),
  output_tokens: z.number().optional(),
  cache_read_input_tokens: z.number().nullish(),
  cache_creation_input_tokens: z.number().nullish(),
});
const block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({
    type: z.literal("tool_use"),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
  z.object({ type: z.string() }),
]);
const line = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("system"),
    subtype: z.string().optional(),
    model: z.string().optional(),
  }),
  z.object({
    type: z.literal("assistant"),
    message: z.object({
      model: z.string().optional(),
      content: z.array(block),
      usage: usage.optional(),
    }),
  }),
  z.object({ type: z.literal("user") }),
  z.object({
    type: z.literal("result"),
    subtype: z.string(),
    is_error: z.boolean().optional(),
    result: z.string().optional(),
  }),
]);

/** One line of `--output-format stream-json` as events; null when it is none. */
export function parseStreamJson(text: string): EngineEvent[] | null {
  const parsed = line.safeParse(jsonOrNull(text));
  if (!parsed.success) return null;
  const entry = parsed.data;
  switch (entry.type) {
    case "system":
      if (entry.subtype !== "init") return [];
      return [{ type: "log", level: "info", text: `engine started with ${entry.model ?? "its model"}` }];
    case "user":
      return [];
    case "assistant":
      return [
        ...entry.message.content.flatMap(eventsOfBlock),
        ...eventsOfUsage(entry.message.model, entry.message.usage),
      ];
    case "result":
      return [resultOf(entry)];
  }
}

function eventsOfBlock(content: z.infer<typeof block>): EngineEvent[] {
  if ("text" in content) return content.text.trim() === "" ? [] : [{ type: "log", level: "info", text: content.text }];
  if ("input" in content) return [{ type: "tool", name: content.name, summary: summaryOf(content.input) }];
  return [];
}

/** The one member that tells a reader what the tool is used on. */
function summaryOf(input: Record<string, unknown>): string {
  for (const name of ["file_path", "command", "pattern", "path", "url", "description"]) {
    const value = input[name];
    if (typeof value === "string") return value.slice(0, 300);
  }
  return "";
}

function eventsOfUsage(model: string | undefined, counted: z.infer<typeof usage> | undefined): EngineEvent[] {
  if (!counted || model === undefined || model === "<synthetic>") return [];
  const tokens: TokenCounts = {
    input: counted.input_tokens ?? 0,
    output: counted.output_tokens ?? 0,
    cacheRead: counted.cache_read_input_tokens ?? 0,
    cacheWrite: counted.cache_creation_input_tokens ?? 0,
  };
  return [{ type: "usage", model, tokens }];
}

/** A failing API reads `subtype: "success"` with `is_error: true` (measured): only both together mean done. */
function resultOf(entry: {
  subtype: string;
  is_error?: boolean | undefined;
  result?: string | undefined;
}): EngineEvent {
  const summary = (entry.result ?? "").slice(0, 8_000);
  if (entry.subtype === "error_max_turns")
    return { type: "result", claim: "gave_up", summary: summary || "all turns are used" };
  const isDone = entry.subtype === "success" && entry.is_error !== true;
  return { type: "result", claim: isDone ? "done" : "error", summary: summary || entry.subtype };
}

function jsonOrNull(text: string): unknown {
  if (!text.startsWith("{")) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
