import { createHash, timingSafeEqual } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { createFaults, type Faults } from "./faults.ts";
import { listen } from "./listen.ts";
import { apiError } from "./model/answer-step.ts";
import { type Counted, count, nothingCounted, sonnet, type TokenPrice } from "./model/count.ts";
import { performStep } from "./model/perform-step.ts";
import { keyOf, type RecordedModelRequest, recordRequest } from "./model/record-request.ts";
import { chooseStep } from "./model/choose-step.ts";
import { judgeRequest } from "./model/judge-request.ts";
import { type ModelTask, readTask } from "./model/read-request.ts";
import { readScenarios, type Scenario, type ScenarioInput, scenario as scenarioSchema } from "./scenario.ts";

export type { Fault, Held, Hold } from "./faults.ts";
export type { Scenario, ScenarioInput, ScenarioStep } from "./scenario.ts";
export type { Counted } from "./model/count.ts";
export type { RecordedModelRequest } from "./model/record-request.ts";
export type { ModelTask } from "./model/read-request.ts";

export type ModelServer = Faults & {
  /** For `ANTHROPIC_BASE_URL`. */
  url: string;
  requests: RecordedModelRequest[];
  counted: Counted;
  /** Time that it took to answer, over all requests. */
  busyMs(): number;
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
  price?: TokenPrice;
  /** 0 (default) takes a free one. */
  port?: number;
  now?: () => Date;
};

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
  const counted = nothingCounted();

  async function answer(request: Request, recorded: RecordedModelRequest, cut: () => void): Promise<Response> {
    const judged = judgeRequest(request, recorded.body, options.key);
    if (judged instanceof Response) return judged;
    const task = readTask(judged);
    const chosen = play(task);
    const step = chooseStep(chosen, task);
    Object.assign(recorded, { scenario: chosen.name, step: task.step });
    await wait(step.delayMs, undefined, { ref: false });
    if (step.fault?.kind === "hang") return hang(stopped.signal);
    const response = performStep(step, judged, cut);
    if (!step.fault) count(counted, step, price);
    return response;
  }

  let busyMs = 0;
  const server = await listen(port, async (request, { cut }) => {
    const recorded = await recordRequest(request, now());
    requests.push(recorded);
    const key = keyOf(request.headers);
    if (key !== null) keys.push(digest(key));
    const from = performance.now();
    const whole = await guard({ method: request.method, path: recorded.path }, () => answer(request, recorded, cut));
    busyMs += performance.now() - from;
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
    busyMs: () => busyMs,
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
  const own = Object.entries(scenarios).map(([name, one]): [string, Scenario] => [name, scenarioSchema.parse(one)]);
  const known: Record<string, Scenario> = {
    ...(await readScenarios()),
    ...Object.fromEntries(own),
  };
  const named = (name: string) => {
    const found = known[name];
    if (!found) throw new Error(`There is no scenario "${name}"; there are ${Object.keys(known).join(", ")}.`);
    return found;
  };
  const usual = typeof scenario === "string" ? named(scenario) : scenarioSchema.parse(scenario);
  return ({ text }) => {
    const other = scenarioFor?.(text);
    return other === undefined ? usual : named(other);
  };
}

function hang(stopped: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    const end = () => resolve(apiError(503, "api_error", "The stand-in stopped."));
    stopped.addEventListener("abort", end, { once: true });
  });
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
