import { type JudgeRules } from "./refuse-model-request.ts";
import { type Json, parseStrictJson } from "./parse-strict-json.ts";
import { affordableTokens, type Price, priceOf, worstCaseMicroUsd } from "./prices.ts";
import {
  type Members,
  countMedia,
  isObject,
  refusalOf,
  tokensOfLongestPrompt,
  tokensPerImage,
} from "./refuse-model-request.ts";

export const maxOutputTokens = 16_384;
const leastOutputTokens = 1_024;

export type JudgedRequest = {
  ok: true;
  body: string;
  model: string;
  price: Price;
  isStream: boolean;
  hasPdf: boolean;
  promptTokens: number;
  maxTokens: number;
  worstCase: number;
};
export type Judgement = JudgedRequest | { ok: false; reason: string };

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
  const price = priceOf(model, [rules.models]);
  if (price === null) return { ok: false, reason: `the price of model ${model} is not known` };
  const promptTokens = boundOfPrompt(text, body);
  if (rules.isCountOnly)
    return {
      ok: true,
      body: JSON.stringify(body),
      model,
      price,
      isStream: false,
      hasPdf: false,
      promptTokens,
      maxTokens: 0,
      worstCase: 0,
    };
  return bounded(body, {
    model,
    price,
    promptTokens,
    maxTokens: Math.min(body.max_tokens as number, maxOutputTokens),
  });
}

/** The same request with fewer output tokens, so that its worst case fits `leftMicroUsd`; null when too little is left. */
export function fitRequest(request: JudgedRequest, leftMicroUsd: number): JudgedRequest | null {
  const maxTokens = Math.min(request.maxTokens, affordableTokens(request.price, request.promptTokens, leftMicroUsd));
  if (maxTokens < Math.min(leastOutputTokens, request.maxTokens)) return null;
  const { model, price, promptTokens } = request;
  return bounded(JSON.parse(request.body) as Members, { model, price, promptTokens, maxTokens });
}

/** What the provider's free count of the prompt's tokens takes: of the body's members those that are part of the prompt. */
export function countingBody({ body }: JudgedRequest): string {
  const members = JSON.parse(body) as Members;
  const counted = ["model", "messages", "system", "tools", "tool_choice", "thinking"];
  return JSON.stringify(
    Object.fromEntries(counted.flatMap((name) => (members[name] === undefined ? [] : [[name, members[name]]]))),
  );
}

/** The same request with the provider's own count of its prompt, and some more, as it calls that count an estimate. */
export function withCountedPrompt(request: JudgedRequest, countedTokens: number): JudgedRequest {
  const promptTokens = Math.min(request.promptTokens, Math.ceil(countedTokens * 1.1) + tokensAboutTools);
  const { model, price, maxTokens } = request;
  return bounded(JSON.parse(request.body) as Members, { model, price, promptTokens, maxTokens });
}

/** The provider adds words of its own where there are tools: measured at some 350 to 700 tokens. */
const tokensAboutTools = 1_000;

/**
 * No token is shorter than a byte. Of the text that came and the text that goes the longer one counts: `1e20` is
 * written out when it is written anew.
 */
function boundOfPrompt(text: string, body: Members): number {
  const bytesOf = (one: string) => new TextEncoder().encode(one).byteLength;
  const bytes = Math.max(bytesOf(text), bytesOf(JSON.stringify(body)));
  const { images, pdfs } = countMedia(body);
  const written = bytes + tokensPerImage * images + (body.tools === undefined ? 0 : tokensAboutTools);
  return pdfs === 0 ? written : Math.max(written, tokensOfLongestPrompt);
}

type Bounds = { model: string; price: Price; promptTokens: number; maxTokens: number };

function bounded(body: Members, bound: Bounds): JudgedRequest {
  const worstCase = worstCaseMicroUsd(bound.price, bound);
  const smaller = {
    ...body,
    max_tokens: bound.maxTokens,
    ...smallerThinking(body.thinking, bound.maxTokens),
  };
  return {
    ok: true,
    body: JSON.stringify(smaller),
    isStream: body.stream === true,
    hasPdf: countMedia(body).pdfs > 0,
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
