import { readFileSync } from "node:fs";
import tls from "node:tls";
import { trustCertificates } from "@feedback-chat/protocol/certificates";
import { proxyFor, readHttpProxies } from "@feedback-chat/protocol/http-proxies";

/**
 * Sends what this process fetches through the machine's proxies, and trusts the user's own authorities. undici, 230 KB
 * compressed, is read only where a proxy is set.
 * @throws Problem validation_failed, naming the variable that cannot be used
 */
export async function useNetwork(environment: Record<string, string | undefined>): Promise<void> {
  trustCertificates({ tls, readFile: (path) => readFileSync(path, "utf8") }, environment);
  const httpProxies = readHttpProxies(environment);
  if (!httpProxies.httpProxy && !httpProxies.httpsProxy) return;
  const { Agent, ProxyAgent, setGlobalDispatcher } = await import("undici");
  const agents = new Map<string, InstanceType<typeof ProxyAgent>>();
  const proxying = new Agent().compose((direct) => (options, handler) => {
    const proxy = options.origin === undefined ? null : proxyFor(options.origin, httpProxies);
    if (proxy === null) return direct(options, handler);
    const agent = agents.get(proxy) ?? new ProxyAgent(proxy);
    agents.set(proxy, agent);
    return agent.dispatch(options, handler);
  });
  setGlobalDispatcher(proxying);
}
