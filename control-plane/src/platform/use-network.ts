import { readFileSync } from "node:fs";
import tls from "node:tls";
import { trustCertificates } from "@feedback-chat/protocol/certificates";
import { type HttpProxies, proxyFor } from "@feedback-chat/protocol/http-proxies";
import { Agent, type Dispatcher, ProxyAgent, setGlobalDispatcher } from "undici";

type Network = { httpProxies: HttpProxies; certificates: Record<string, string | undefined> };

/**
 * Sends what this process fetches through the machine's proxies, and trusts the operator's own authorities: GitHub, the
 * model's API. Calls to addresses that others chose (`callOutside`) make connections of their own, which are checked.
 * @throws Problem validation_failed, naming the variable whose file cannot be used
 */
export function useNetwork({ httpProxies, certificates }: Network): void {
  trustCertificates({ tls, readFile: (path) => readFileSync(path, "utf8") }, certificates);
  if (httpProxies.httpProxy || httpProxies.httpsProxy) setGlobalDispatcher(proxying(httpProxies));
}

function proxying(httpProxies: HttpProxies): Dispatcher {
  const agents = new Map<string, ProxyAgent>();
  const through = (proxy: string) => {
    const agent = agents.get(proxy) ?? new ProxyAgent(proxy);
    agents.set(proxy, agent);
    return agent;
  };
  return new Agent().compose((direct) => (options, handler) => {
    const proxy = options.origin === undefined ? null : proxyFor(options.origin, httpProxies);
    return proxy === null ? direct(options, handler) : through(proxy).dispatch(options, handler);
  });
}
