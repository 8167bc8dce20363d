import { readFileSync } from "node:fs";
import tls from "node:tls";
import { type certificateVariables, trustCertificates } from "@feedback-chat/protocol/certificates";
import type { HttpProxies } from "@feedback-chat/protocol/http-proxies";
import { type Dispatcher, fetch as undiciFetch } from "undici";
import type { NetworkFacts } from "../ports/network.ts";
import { keepCertificates } from "./keep-certificates.ts";
import { openDispatcher } from "./open-dispatcher.ts";

export type Network = AsyncDisposable & {
  facts: NetworkFacts;
  /** Through the machine's proxies. */
  dispatcher: Dispatcher;
  fetch: typeof fetch;
};

export type NetworkSettings = {
  httpProxies: HttpProxies;
  /** PEM files with authorities of the user's own, by the variable that names each. */
  certificates: Partial<Record<(typeof certificateVariables)[number], string>>;
  dataFolder: string;
};

/**
 * This machine's way to the network, with its proxies and the user's own authorities.
 * @throws Problem validation_failed, naming the variable whose file cannot be used
 */
export async function openNetwork({ httpProxies, certificates, dataFolder }: NetworkSettings): Promise<Network> {
  const own = trustCertificates({ tls, readFile: (path) => readFileSync(path, "utf8") }, certificates);
  const files = await keepCertificates(own, dataFolder);
  const dispatcher = openDispatcher({ httpProxies, connectSeconds: 5 });
  return {
    facts: {
      httpProxies,
      // As git does by itself: its own variable replaces every other list.
      gitCertificatesFile: certificates.GIT_SSL_CAINFO ?? files.everything,
      ownCertificatesFile: files.own,
    },
    dispatcher,
    fetch: fetchThrough(dispatcher),
    [Symbol.asyncDispose]: () => dispatcher.close(),
  };
}

/** undici's fetch: the one that is built into Node may be too old for our dispatchers. */
export function fetchThrough(dispatcher: Dispatcher): typeof fetch {
  const through = (url: string, init: Parameters<typeof undiciFetch>[1]) => undiciFetch(url, { ...init, dispatcher });
  return through as unknown as typeof fetch;
}
