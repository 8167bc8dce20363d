import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request as send, type Dispatcher } from "undici";
import { requirePrice } from "../src/require-price.ts";
import type { Clock } from "../src/ports/clock.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import {
  startModelProxy,
  type ModelProxy,
  type ProxyOptions,
  type RequestFacts,
} from "../src/proxy/start-model-proxy.ts";
import { memorySpend } from "./memory-spend.ts";
import { stubModel, type Script, type StubModel } from "./stub-model.ts";

export type Opened = {
  proxy: ModelProxy;
  model: StubModel;
  spend: ReturnType<typeof memorySpend>;
  facts: RequestFacts[];
  failures: unknown[];
  socketPath: string;
  inside: Agent;
} & AsyncDisposable;

/** A proxy on a socket of its own before a scripted model, with a ledger in memory. */
export async function openProxy(
  script: Script = () => ({ text: "hello" }),
  options: Partial<ProxyOptions> & { dayMicroUsd?: number; dispatcher?: Dispatcher; clock?: Clock } = {},
): Promise<Opened> {
  const folder = await mkdtemp("/tmp/fcp-");
  const model = await stubModel(script);
  const spend = memorySpend(options.dayMicroUsd);
  const facts: RequestFacts[] = [];
  const failures: unknown[] = [];
  const outside = new Agent();
  const socketPath = join(folder, "model.sock");
  const proxy = await startModelProxy(
    {
      clock: options.clock ?? systemClock(),
      spend,
      dispatcher: options.dispatcher ?? outside,
      onRequest: (fact) => facts.push(fact),
      onFailure: (error) => failures.push(error),
    },
    {
      socketPath,
      baseUrl: model.baseUrl,
      credential: { type: "anthropic_api_key", value: "sk-ours" },
      models: { [plain.model]: requirePrice({ model: plain.model, prices: {} }, {}) },
      budgetMicroUsd: 2_000_000,
      wallSeconds: 30,
      ...options,
    },
  );
  const inside = new Agent({ connect: { socketPath }, pipelining: 1 });
  return {
    proxy, model, spend, facts, failures, socketPath, inside,
    async [Symbol.asyncDispose]() {
      await inside.destroy();
      await proxy.close();
      await model[Symbol.asyncDispose]();
      await outside.destroy();
      await rm(folder, { recursive: true });
    },
  }; // prettier-ignore
}

export const plain = {
  model: "claude-sonnet-4-5",
  max_tokens: 1_000,
  stream: true,
  messages: [{ role: "user", content: "hi" }],
};

export function post(
  opened: Opened,
  body: unknown = plain,
  extra: Partial<Dispatcher.RequestOptions> & {
    dispatcher?: Dispatcher;
    path?: string;
    headers?: Record<string, string>;
  } = {},
) {
  const { path = "/v1/messages?beta=true", headers = {}, ...rest } = extra;
  return send(`http://model.invalid${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: Object.assign({ "content-type": "application/json" }, headers),
    dispatcher: opened.inside,
    ...rest,
  });
}
