import { parseStrictJson, type Json } from "./parse-strict-json.ts";
import { worstCaseMicroUsd, affordableTokens } from "./prices.ts";

export const maxOutputTokens = 16_384;
const tokensPerImage = 6_000;
const leastOutputTokens = 1_024;

export type JudgeRules = { allowedModels: readonly string[]; isCountOnly: boolean };
export type JudgedRequest = {
  ok: true;
  body: string;
  model: string;
  isStream: boolean;
  promptTokens: number;
  maxTokens: number;
  worstCase: number;
};
export type Judgement = JudgedRequest | { ok: false; reason: string };

type Members = { [key: string]: Json };

/** Members that the engine sends, and that cost no more than the price table says. All others are refused. */
const allowedMembers = new Set([
  "model", "messages", "system", "tools", "tool_choice", "metadata", "max_tokens", "thinking", "context_management",
  "stream", "temperature", "top_p", "top_k", "stop_sequences", "output_config", "output_format",
]); // prettier-ignore
const allowedBlocks = new Set([
  "text", "image", "tool_use", "tool_result", "thinking", "redacted_thinking", "tool_reference", "search_result",
]); // prettier-ignore

/**
 * Judges one body for the model's API and writes it anew. What would open the provider's own network
 * (server-side tools, connectors, containers, files, addresses) or cost more than the table says is refused.
 */
export function judgeModelRequest(text: string, rules: JudgeRules): Judgement {
  const parsed = parse(text);
  if ("reason" in parsed) return { ok: false, reason: parsed.reason };
  const body = parsed.body;
  const reason = refusalOf(body, rules);
  if (reason !== null) return { ok: false, reason };

  const model = body.model as string;
  const promptTokens = new TextEncoder().encode(text).byteLength + tokensPerImage * countImages(body);
  if (rules.isCountOnly)
    return {
      ok: true,
      body: JSON.stringify(body),
      model,
      isStream: false,
      promptTokens,
      maxTokens: 0,
      worstCase: 0,
    };
  return bounded(body, {
    model,
    promptTokens,
    maxTokens: Math.min(body.max_tokens as number, maxOutputTokens),
  });
}

/** The same request with fewer output tokens, so that its worst case fits `leftMicroUsd`; null when too little is left. */
export function fitRequest(request: JudgedRequest, leftMicroUsd: number): JudgedRequest | null {
  const maxTokens = Math.min(request.maxTokens, affordableTokens(request.model, request.promptTokens, leftMicroUsd));
  if (maxTokens < Math.min(leastOutputTokens, request.maxTokens)) return null;
  const fitted = bounded(JSON.parse(request.body) as Members, {
    model: request.model,
    promptTokens: request.promptTokens,
    maxTokens,
  });
  return fitted.ok ? fitted : null;
}

function bounded(body: Members, bound: { model: string; promptTokens: number; maxTokens: number }): Judgement {
  const worstCase = worstCaseMicroUsd(bound.model, bound);
  if (worstCase === null) return { ok: false, reason: `the price of model ${bound.model} is not known` };
  const smaller = {
    ...body,
    max_tokens: bound.maxTokens,
    ...smallerThinking(body.thinking, bound.maxTokens),
  };
  return {
    ok: true,
    body: JSON.stringify(smaller),
    isStream: body.stream === true,
    worstCase,
    ...bound,
  };
}

/** The provider refuses a thinking budget that is not below `max_tokens`; below 1,024 there is none at all. */
function smallerThinking(thinking: Json | undefined, maxTokens: number): { thinking?: Json } {
  if (!isObject(thinking) || typeof thinking.budget_tokens !== "number" || thinking.budget_tokens < maxTokens)
    return {};
  const budget = maxTokens - leastOutputTokens;
  return {
    thinking: budget >= 1_024 ? { ...thinking, budget_tokens: budget } : { type: "disabled" },
  };
}

function parse(text: string): { body: Members } | { reason: string } {
  try {
    const body = parseStrictJson(text);
    return isObject(body) ? { body } : { reason: "the body is no JSON object" };
  } catch (error) {
    if (error instanceof SyntaxError)
      return { reason: `the body is no acceptable JSON: ${error.message.slice(0, 120)}` };
    throw error;
  }
}

function refusalOf(body: Members, rules: JudgeRules): string | null {
  for (const name of Object.keys(body)) {
    if (!allowedMembers.has(name)) return `the member ${JSON.stringify(name.slice(0, 60))} is not admitted`;
  }
  const { model, messages, max_tokens: maxTokens } = body;
  if (typeof model !== "string" || !rules.allowedModels.includes(model))
    return `the model ${String(JSON.stringify(model)).slice(0, 80)} is not admitted`;
  if (!Array.isArray(messages)) return "messages are missing";
  if (!rules.isCountOnly && !(typeof maxTokens === "number" && Number.isSafeInteger(maxTokens) && maxTokens > 0))
    return "max_tokens is no positive whole number";
  return toolRefusal(body.tools) ?? blocksRefusal(body.system) ?? messagesRefusal(messages);
}

/** A tool with a type of its own runs at the provider, which has a network. */
function toolRefusal(tools: Json | undefined): string | null {
  if (tools === undefined) return null;
  if (!Array.isArray(tools)) return "tools are no list";
  for (const tool of tools) {
    if (!isObject(tool)) return "a tool is no object";
    if (tool.type !== undefined && tool.type !== "custom")
      return `the server-side tool ${JSON.stringify(tool.type).slice(0, 60)} is not admitted`;
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
    const reason = block.type === "tool_result" ? blocksRefusal(block.content) : null;
    if (reason !== null) return reason;
  }
  return null;
}

function countImages(value: Json): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countImages(item), 0);
  if (!isObject(value)) return 0;
  const below = Object.values(value).reduce<number>((sum, item) => sum + countImages(item), 0);
  return below + (value.type === "image" ? 1 : 0);
}

function isObject(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
