import * as z from "zod";
import type { Json } from "./parse-strict-json.ts";
import type { PriceTable } from "./prices.ts";

/** `models` are those that the run may use, each with what it costs. */
export type JudgeRules = { models: PriceTable; isCountOnly: boolean };

export const tokensPerImage = 6_000;
/**
 * The longest prompt that a provider takes. A PDF's pages say nothing of its bytes (they are compressed, and share
 * what they show), so a request with one may be as long as that until the provider has counted it.
 */
export const tokensOfLongestPrompt = 1_000_000;

export type Members = { [key: string]: Json };

// What the engine sends, member by member at every level, and nothing that opens the provider's network or costs more
// than the price table says. An unknown member is refused: tomorrow it may mean something.

const json = z.unknown().refine((value) => value !== undefined);
const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() });
const cached = { cache_control: cacheControl.nullish() };

const text = z.strictObject({ type: z.literal("text"), text: z.string(), citations: z.null().optional(), ...cached });
const image = z.strictObject({
  type: z.literal("image"),
  // Not by address and not by file id: the provider would fetch it.
  source: z.strictObject({ type: z.literal("base64"), media_type: z.string(), data: z.string() }),
  ...cached,
});
// What the engine reads whole: a PDF of the repository, or a text. As with images, nothing that has to be fetched.
const document = z.strictObject({
  type: z.literal("document"),
  source: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("base64"), media_type: z.literal("application/pdf"), data: z.string() }),
    z.strictObject({ type: z.literal("text"), media_type: z.literal("text/plain"), data: z.string() }),
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  // With citations the answer repeats the document beside what `max_tokens` bounds.
  citations: z.strictObject({ enabled: z.literal(false) }).nullish(),
  ...cached,
});
const toolReference = z.strictObject({ type: z.literal("tool_reference"), tool_name: z.string(), ...cached });
const toolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: json,
  // Another caller would be a program at the provider.
  caller: z.strictObject({ type: z.literal("direct") }).optional(),
  ...cached,
});
const toolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  content: z
    .union([z.string(), z.array(z.discriminatedUnion("type", [text, image, document, toolReference]))])
    .optional(),
  is_error: z.boolean().optional(),
  ...cached,
});
const thinkingBlock = z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() });
const redactedThinking = z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() });
const block = z.discriminatedUnion("type", [
  text,
  image,
  document,
  toolUse,
  toolResult,
  thinkingBlock,
  redactedThinking,
  toolReference,
]);

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(block)]) }),
  // Newer models take words of the system in the middle of a conversation; the engine tells them its environment so.
  z.strictObject({ role: z.literal("system"), content: z.union([z.string(), z.array(text)]) }),
]);

/** A tool with a type of its own runs at the provider; `allowed_callers` would let a program there call ours. */
const tool = z.strictObject({
  type: z.literal("custom").optional(),
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.record(z.string(), json),
  input_examples: z.array(json).optional(),
  defer_loading: z.boolean().optional(),
  strict: z.boolean().optional(),
  eager_input_streaming: z.boolean().optional(),
  ...cached,
});
const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const toolChoice = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), ...parallel }),
  z.strictObject({ type: z.literal("any"), ...parallel }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
  z.strictObject({ type: z.literal("none") }),
]);

const amount = (...types: [string, ...string[]]) => z.strictObject({ type: z.enum(types), value: z.number() });
/** These only forget; a compaction lets the model write beside what `max_tokens` bounds. */
const edit = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("clear_tool_uses_20250919"),
    trigger: amount("input_tokens", "tool_uses").optional(),
    keep: amount("tool_uses").optional(),
    clear_at_least: amount("input_tokens").nullish(),
    exclude_tools: z.array(z.string()).nullish(),
    clear_tool_inputs: z.union([z.boolean(), z.array(z.string())]).nullish(),
  }),
  z.strictObject({
    type: z.literal("clear_thinking_20251015"),
    keep: z.union([z.literal("all"), z.strictObject({ type: z.literal("all") }), amount("thinking_turns")]).optional(),
  }),
]);

const display = { display: z.string().nullish() };
const thinking = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.number(), ...display }),
  z.strictObject({ type: z.literal("adaptive"), ...display }),
  z.strictObject({ type: z.literal("disabled") }),
]);
const outputFormat = z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), json) });

const body = z.strictObject({
  model: z.string(),
  messages: z.array(message),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(tool).optional(),
  tool_choice: toolChoice.optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  max_tokens: z.int().positive().optional(),
  thinking: thinking.optional(),
  context_management: z.strictObject({ edits: z.array(edit).optional() }).nullish(),
  stream: z.boolean().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  top_k: z.number().optional(),
  stop_sequences: z.array(z.string()).optional(),
  output_config: z.strictObject({ effort: z.string().optional(), format: outputFormat.nullish() }).optional(),
  output_format: outputFormat.nullish(),
});

/** Why the body is not admitted, naming the member; null when it is. */
export function refusalOf(asked: Members, rules: JudgeRules): string | null {
  const { model, max_tokens: maxTokens } = asked;
  if (typeof model !== "string" || !Object.hasOwn(rules.models, model))
    return `the model ${String(JSON.stringify(model)).slice(0, 80)} is not admitted`;
  if (!rules.isCountOnly && maxTokens === undefined) return "max_tokens is missing";
  const judged = body.safeParse(asked);
  if (judged.success) return null;
  const [issue] = judged.error.issues;
  return issue ? sentenceOf(deepestOf(issue)) : "the body is not admitted";
}

type Issue = z.core.$ZodIssue;

/** Of a union the branch that came farthest says best what is wrong. */
function deepestOf(issue: Issue): Issue {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return issue;
  const inner = issue.errors.flatMap((branch) => branch.slice(0, 1)).map((one) => deepestOf(one));
  const deepest = inner.toSorted((a, b) => b.path.length - a.path.length)[0] ?? issue;
  return { ...deepest, path: [...issue.path, ...deepest.path] };
}

function sentenceOf({ path, message: said, ...issue }: Issue): string {
  const at = path.length === 0 ? "the body" : path.map(String).join(".").slice(0, 120);
  if (issue.code === "unrecognized_keys")
    return `the member ${JSON.stringify(String(issue.keys[0]).slice(0, 60))} of ${at} is not admitted`;
  return `${at} is not admitted: ${said.slice(0, 120)}`;
}

/** What of a body the provider counts by its looks, and not by its bytes. */
export function countMedia(value: Json): { images: number; pdfs: number } {
  const below = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  const counts = below.map(countMedia);
  const own = isObject(value) ? value : {};
  return {
    images: counts.reduce((sum, { images }) => sum + images, own.type === "image" ? 1 : 0),
    pdfs: counts.reduce((sum, { pdfs }) => sum + pdfs, own.media_type === "application/pdf" ? 1 : 0),
  };
}

export function isObject(value: Json | undefined): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
