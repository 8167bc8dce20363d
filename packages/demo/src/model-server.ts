import { createHash, timingSafeEqual } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { createFaults, type Faults } from "./faults.ts";
import { listen } from "./listen.ts";
import { apiError, eventsOf, messageOf, newId, streamOf } from "./model/answer-step.ts";
import { chooseStep } from "./model/choose-step.ts";
import {
  type MessagesRequest,
  messagesRequest,
  type ModelTask,
  readTask,
} from "./model/read-request.ts";
import {
  readScenarios,
  type Scenario,
  type ScenarioInput,
  scenario as scenarioSchema,
  type ScenarioStep,
} from "./scenario.ts";

export type { Fault, Held, Hold } from "./faults.ts";
export type { Scenario, ScenarioInput, ScenarioStep } from "./scenario.ts";
export type { ModelTask } from "./model/read-request.ts";

export type RecordedModelRequest = {
  method: string;
  /** Pathname and query. */
  path: string;
  /** As they came in; `x-api-key` and `authorization` show their last 4 characters only. */
  headers: Record<string, string>;
  keyLast4: string | null;
  /** The parsed body, null where there is none. */
  body: unknown;
  /** Which scenario answered, and at which step. */
  scenario: string | null;
  step: number | null;
  status: number | null;
  at: Date;
};

/** Sums over all answers that were sent whole. The far end's view: what the product counts has to match it. */
export type Counted = {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costMicroUsd: number;
};

export type ModelServer = Faults & {
  /** For `ANTHROPIC_BASE_URL`. */
  url: string;
  requests: RecordedModelRequest[];
  counted: Counted;
  /** Whether this key came in by any request: keys are kept as hashes only. */
  sawKey(key: string): boolean;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export type ModelOptions = {
  /** The name of a scenario of this package, or one of your own. */
  scenario: string | ScenarioInput;
  /**
   * Names another scenario by what the request says, so that one server plays many runs. All begin by reading the
   * task, so the first request decides nothing. undefined = `scenario`.
   */
  scenarioFor?: (requestText: string) => string | undefined;
  /** More scenarios beside those of this package. */
  scenarios?: Record<string, ScenarioInput>;
  /** Any other key is refused with 401. Unset: every key goes. */
  key?: string;
  /** Micro-USD per token that `counted` uses. */
  price?: { input: number; output: number; cacheRead: number; cacheWrite: number };
  /** 0 (default) takes a free one. */
  port?: number;
  now?: () => Date;
};
const sonnet = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

/**
 * Starts the scripted Messages API on loopback: `POST /v1/messages` (streamed or not), `…/count_tokens`, `HEAD /`.
 * @example
 * await using model = await startModel({ scenario: "fix-cart" });
 * const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-ant-any" };
 */
export async function startModel(options: ModelOptions): Promise<ModelServer> {
  const { port = 0, now = () => new Date(), price = sonnet } = options;
  const play = await openScenarios(options);
  const { guard, ...faults } = createFaults();
  const stopped = new AbortController();
  const requests: RecordedModelRequest[] = [];
  const keys: Buffer[] = [];
  const counted: Counted = {
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    costMicroUsd: 0,
  };

  async function answer(request: Request, recorded: RecordedModelRequest): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/" && (request.method === "HEAD" || request.method === "GET"))
      return new Response(null);
    if (request.method !== "POST")
      return apiError(405, "invalid_request_error", "Method not allowed");
    if (pathname !== "/v1/messages" && pathname !== "/v1/messages/count_tokens")
      return apiError(404, "not_found_error", "Not found");
    const key = keyOf(request.headers);
    if (key === null || (options.key !== undefined && key !== options.key))
      return apiError(401, "authentication_error", "invalid x-api-key");
    const parsed = messagesRequest.safeParse(recorded.body);
    if (!parsed.success)
      return apiError(
        400,
        "invalid_request_error",
        parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
      );
    if (pathname.endsWith("/count_tokens"))
      return Response.json({ input_tokens: Math.ceil(JSON.stringify(recorded.body).length / 4) });

    const task = readTask(parsed.data);
    const chosen = play(task);
    const step = chooseStep(chosen, task);
    Object.assign(recorded, { scenario: chosen.name, step: task.step });
    await wait(step.delayMs, undefined, { signal: stopped.signal, ref: false });
    if (step.fault?.kind === "hang") await untilAborted(stopped.signal);
    const response = perform(step, parsed.data, stopped.signal);
    if (!step.fault) count(counted, step, price);
    return response;
  }

  const server = await listen(port, async (request) => {
    const recorded = await record(request, now());
    requests.push(recorded);
    const key = keyOf(request.headers);
    if (key !== null) keys.push(digest(key));
    const whole = await guard({ method: request.method, path: recorded.path }, () =>
      answer(request, recorded),
    );
    if (whole !== "drop") recorded.status = whole.status;
    return whole;
  });

  async function close(): Promise<void> {
    faults.clearFaults();
    stopped.abort();
    await server.close();
  }
  const sawKey = (key: string) => keys.some((seen) => timingSafeEqual(seen, digest(key)));
  return {
    ...faults,
    url: server.url,
    requests,
    counted,
    sawKey,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openScenarios({
  scenario,
  scenarioFor,
  scenarios = {},
}: ModelOptions): Promise<(task: ModelTask) => Scenario> {
  const own = Object.entries(scenarios).map(([name, one]): [string, Scenario] => [
    name,
    scenarioSchema.parse(one),
  ]);
  const known: Record<string, Scenario> = {
    ...(await readScenarios()),
    ...Object.fromEntries(own),
  };
  const named = (name: string) => {
    const found = known[name];
    if (!found)
      throw new Error(
        `There is no scenario "${name}"; there are ${Object.keys(known).join(", ")}.`,
      );
    return found;
  };
  const usual = typeof scenario === "string" ? named(scenario) : scenarioSchema.parse(scenario);
  return ({ text }) => {
    const other = scenarioFor?.(text);
    return other === undefined ? usual : named(other);
  };
}

function perform(
  step: ScenarioStep,
  { model, stream }: MessagesRequest,
  stopped: AbortSignal,
): Response {
  const { fault } = step;
  const headers = { "request-id": newId("req") };
  if (fault?.kind === "status") {
    const body = fault.body ?? {
      type: "error",
      error: {
        type: fault.status === 529 ? "overloaded_error" : "api_error",
        message: "As the scenario says.",
      },
    };
    return Response.json(body, { status: fault.status, headers: { ...headers, ...fault.headers } });
  }
  if (fault?.kind === "raw")
    return new Response(Buffer.from(fault.base64, "base64"), {
      headers: { ...headers, "content-type": fault.contentType },
    });
  if (!stream) return Response.json(messageOf(step, model), { headers });
  const sse = {
    ...headers,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  };
  return new Response(streamOf(eventsOf(step, model), fault, stopped), { headers: sse });
}

function count(
  counted: Counted,
  { usage }: ScenarioStep,
  price: NonNullable<ModelOptions["price"]>,
): void {
  counted.requests += 1;
  counted.inputTokens += usage.input;
  counted.outputTokens += usage.output;
  counted.cacheReadTokens += usage.cacheRead;
  counted.cacheWriteTokens += usage.cacheWrite;
  const cost =
    usage.input * price.input +
    usage.output * price.output +
    usage.cacheRead * price.cacheRead +
    usage.cacheWrite * price.cacheWrite;
  counted.costMicroUsd += Math.ceil(cost);
}

async function record(request: Request, at: Date): Promise<RecordedModelRequest> {
  const { pathname, search } = new URL(request.url);
  const text = request.method === "POST" ? await request.text() : "";
  const key = keyOf(request.headers);
  const secret = new Set(["x-api-key", "authorization"]);
  const headers = [...request.headers].map(([name, value]) => [
    name,
    secret.has(name) ? `…${value.slice(-4)}` : value,
  ]);
  return {
    method: request.method, path: pathname + search, headers: Object.fromEntries(headers), keyLast4: key?.slice(-4) ?? null,
    body: parseOrText(text), scenario: null, step: null, status: null, at,
  }; // prettier-ignore
}

/** What is no JSON is kept as it came, so that the refusal can be seen beside it. */
function parseOrText(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

function keyOf(headers: Headers): string | null {
  return headers.get("x-api-key") ?? headers.get("authorization")?.replace(/^Bearer /i, "") ?? null;
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
  );
}
