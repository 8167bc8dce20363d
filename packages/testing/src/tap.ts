import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Rule = { method: string; path: RegExp; body?: RegExp; when: "before" | "after" };

/** Where a request was stopped: nothing of it has happened yet (`before`), or all but the caller's knowledge (`after`). */
export type Held = {
  /** Lets it go on. */
  release(): void;
  /** Cuts the caller's connection; `after`, the answer is lost. */
  cut(): void;
};

export type Tap = AsyncDisposable & {
  url: string;
  /** Points the tap at another address, for a server that came back elsewhere. */
  aim(target: string): void;
  /** Nobody gets through until it ends, though the server may be up: an outage as long as a test wants it. */
  outage(): { end(): void };
  /** Stops the next request that fits, and says so once it is there. */
  holdNext(rule: Rule): Promise<Held>;
  requests: Tapped[];
};

export type Tapped = {
  method: string;
  path: string;
  at: number;
  /** Null until it was answered, and for ever when it was cut. */
  status: number | null;
  /** What proved the lease, `<attempt>.<token>`. */
  lease: string | null;
};

/**
 * A reverse proxy on loopback between a worker and its control plane, with breakpoints: processes can be killed at
 * an exact point of the protocol without a test hook in the product.
 */
export async function openTap(target: string): Promise<Tap> {
  let aimed = new URL(target);
  const rules: (Rule & { hit: (held: Held) => void })[] = [];
  const requests: Tap["requests"] = [];
  let isOut = false;
  const server = createServer((incoming, answer) => {
    // Both ends may be killed at any moment: that is what this is for.
    answer.on("error", () => answer.destroy());
    incoming.on("error", () => answer.destroy());
    if (isOut) return void answer.destroy();
    void forward(incoming, answer).catch(() => answer.destroy());
  });

  async function forward(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const method = incoming.method ?? "GET";
    const path = incoming.url ?? "/";
    const tapped: Tapped = { method, path, at: Date.now(), status: null, lease: leaseOf(incoming) };
    requests.push(tapped);
    const at = rules.findIndex(
      (rule) => rule.method === method && rule.path.test(path) && (!rule.body || rule.body.test(body.toString())),
    );
    const rule = at === -1 ? undefined : rules.splice(at, 1)[0];
    if (rule?.when === "before" && !(await stop(rule, answer))) return;
    const upstream = request(new URL(path, aimed), {
      method,
      headers: { ...incoming.headers, host: aimed.host },
      agent: false,
    });
    answer.on("close", () => upstream.destroy());
    upstream.end(body);
    const [response] = (await once(upstream, "response")) as [IncomingMessage];
    response.on("error", () => answer.destroy());
    tapped.status = response.statusCode ?? null;
    if (rule?.when === "after") {
      const all: Buffer[] = [];
      for await (const chunk of response) all.push(chunk as Buffer);
      if (!(await stop(rule, answer))) return;
      answer.writeHead(response.statusCode ?? 502, response.headers).end(Buffer.concat(all));
      return;
    }
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    aim: (url) => {
      aimed = new URL(url);
    },
    outage() {
      isOut = true;
      return { end: () => void (isOut = false) };
    },
    holdNext(rule) {
      const { promise, resolve } = Promise.withResolvers<Held>();
      rules.push({ ...rule, hit: resolve });
      return promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function leaseOf({ headers }: IncomingMessage): string | null {
  return typeof headers["lease"] === "string" ? headers["lease"] : null;
}

/** @returns true when it was released, false when it was cut. */
async function stop(rule: { hit: (held: Held) => void }, answer: ServerResponse): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  rule.hit({
    release: () => resolve(true),
    cut: () => {
      answer.destroy();
      resolve(false);
    },
  });
  return promise;
}
