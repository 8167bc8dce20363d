import { type JudgeRules } from "./refuse-model-request.ts";
import { type Json, parseStrictJson } from "./parse-strict-json.ts";
import { affordableTokens, worstCaseMicroUsd } from "./prices.ts";
import { type Members, countImages, isObject, refusalOf, tokensPerImage } from "./refuse-model-request.ts";

export const maxOutputTokens = 16_384;
const leastOutputTokens = 1_024;

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
