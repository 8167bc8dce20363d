import { type HttpProxies, proxyFor } from "@feedback-chat/protocol/http-proxies";
import { Agent, Dispatcher, ProxyAgent } from "undici";

export type DispatcherSettings = { httpProxies: HttpProxies; connectSeconds: number };

/**
 * Opens undici's way to the network: each origin through its proxy, loopback and the exceptions directly. undici's own
 * EnvHttpProxyAgent sends loopback through the proxy and knows no ranges of addresses.
 */
export function openDispatcher({ httpProxies, connectSeconds }: DispatcherSettings): Dispatcher {
  return new ProxyingDispatcher(httpProxies, connectSeconds * 1_000);
}

class ProxyingDispatcher extends Dispatcher {
  readonly #httpProxies: HttpProxies;
  readonly #connectMs: number;
  readonly #direct: Agent;
  readonly #proxied = new Map<string, ProxyAgent>();

  constructor(httpProxies: HttpProxies, connectMs: number) {
    super();
    this.#httpProxies = httpProxies;
    this.#connectMs = connectMs;
    this.#direct = new Agent({ connect: { timeout: connectMs } });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const proxy = options.origin === undefined ? null : proxyFor(options.origin, this.#httpProxies);
    return (proxy === null ? this.#direct : this.#through(proxy)).dispatch(options, handler);
  }

  #through(proxy: string): ProxyAgent {
    const kept = this.#proxied.get(proxy);
    if (kept) return kept;
    const agent = new ProxyAgent({ uri: proxy, connectTimeout: this.#connectMs });
    this.#proxied.set(proxy, agent);
    return agent;
  }

  // Both are called without a callback only.
  override async close(): Promise<void> {
    await Promise.all([this.#direct, ...this.#proxied.values()].map((agent) => agent.close()));
  }

  override async destroy(): Promise<void> {
    await Promise.all([this.#direct, ...this.#proxied.values()].map((agent) => agent.destroy()));
  }
}
