import type { Json } from "./parse-strict-json.ts";
import type { PriceTable } from "./prices.ts";

/** `models` are those that the run may use, each with what it costs. */
export type JudgeRules = { models: PriceTable; isCountOnly: boolean };

export const tokensPerImage = 6_000;

export type Members = { [key: string]: Json };

/** Members that the engine sends, and that cost no more than the price table says. All others are refused. */
const allowedMembers = new Set([
  "model", "messages", "system", "tools", "tool_choice", "metadata", "max_tokens", "thinking", "context_management",
  "stream", "temperature", "top_p", "top_k", "stop_sequences", "output_config", "output_format",
]); // prettier-ignore

const allowedBlocks = new Set([
  "text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking", "tool_reference",
]); // prettier-ignore

/** What the engine says of its tools. `allowed_callers` would let a program at the provider call them. */
const toolMembers = new Set([
  "type", "name", "description", "input_schema", "input_examples", "cache_control", "defer_loading", "strict", "eager_input_streaming",
]); // prettier-ignore

/** Those only forget; a compaction lets the model write beside what `max_tokens` bounds. */
const forgettingEdits = new Set(["clear_tool_uses_20250919", "clear_thinking_20251015"]);
const outputMembers = new Set(["effort", "format"]);

export function refusalOf(body: Members, rules: JudgeRules): string | null {
  for (const name of Object.keys(body)) {
    if (!allowedMembers.has(name)) return `the member ${JSON.stringify(name.slice(0, 60))} is not admitted`;
  }
  const { model, messages, max_tokens: maxTokens } = body;
  if (typeof model !== "string" || !Object.hasOwn(rules.models, model))
    return `the model ${String(JSON.stringify(model)).slice(0, 80)} is not admitted`;
  if (!Array.isArray(messages)) return "messages are missing";
  if (!rules.isCountOnly && !(typeof maxTokens === "number" && Number.isSafeInteger(maxTokens) && maxTokens > 0))
    return "max_tokens is no positive whole number";
  return (
    toolRefusal(body.tools) ??
    editRefusal(body.context_management) ??
    memberRefusal("output_config", body.output_config, outputMembers) ??
    blocksRefusal(body.system) ??
    messagesRefusal(messages)
  );
}

function memberRefusal(of: string, value: Json | undefined, allowed: ReadonlySet<string>): string | null {
  if (value === undefined) return null;
  if (!isObject(value)) return `${of} is no object`;
  const foreign = Object.keys(value).find((name) => !allowed.has(name));
  return foreign === undefined ? null : `the member ${JSON.stringify(foreign.slice(0, 60))} of ${of} is not admitted`;
}

function editRefusal(management: Json | undefined): string | null {
  const reason = memberRefusal("context_management", management, new Set(["edits"]));
  if (reason !== null || !isObject(management) || management.edits === undefined) return reason;
  if (!Array.isArray(management.edits)) return "context_management.edits is no list";
  const foreign = management.edits.find(
    (edit) => !isObject(edit) || typeof edit.type !== "string" || !forgettingEdits.has(edit.type),
  );
  return foreign === undefined ? null : `the edit ${JSON.stringify(foreign).slice(0, 80)} is not admitted`;
}

/** A tool with a type of its own runs at the provider, which has a network. */
function toolRefusal(tools: Json | undefined): string | null {
  if (tools === undefined) return null;
  if (!Array.isArray(tools)) return "tools are no list";
  for (const tool of tools) {
    if (!isObject(tool)) return "a tool is no object";
    if (tool.type !== undefined && tool.type !== "custom")
      return `the server-side tool ${JSON.stringify(tool.type).slice(0, 60)} is not admitted`;
    const foreign = memberRefusal("a tool", tool, toolMembers);
    if (foreign !== null) return foreign;
    if (!isObject(tool.input_schema)) return "a tool without input_schema is not admitted";
  }
  return null;
}

function messagesRefusal(messages: Json[]): string | null {
  for (const message of messages) {
    if (!isObject(message)) return "a message is no object";
    const reason = blocksRefusal(message.content);
    if (reason !== null) return reason;
  }
  return null;
}

function blocksRefusal(content: Json | undefined): string | null {
  if (content === undefined || typeof content === "string") return null;
  if (!Array.isArray(content)) return "a content is neither text nor list";
  for (const block of content) {
    if (!isObject(block) || typeof block.type !== "string") return "a content block has no type";
    if (!allowedBlocks.has(block.type))
      return `content of type ${JSON.stringify(block.type.slice(0, 60))} is not admitted`;
    if (block.type === "image" && !(isObject(block.source) && block.source.type === "base64"))
      return "an image by address or file id is not admitted";
    // Only results have blocks inside; whatever else brings a content is judged like one.
    const reason = blocksRefusal(block.content);
    if (reason !== null) return reason;
  }
  return null;
}

export function countImages(value: Json): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countImages(item), 0);
  if (!isObject(value)) return 0;
  const below = Object.values(value).reduce<number>((sum, item) => sum + countImages(item), 0);
  return below + (value.type === "image" ? 1 : 0);
}

export function isObject(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
