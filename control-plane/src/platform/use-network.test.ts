import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const module = new URL("./use-network.ts", import.meta.url).href;

/** In a process of its own: the setting is the process's. */
async function fetchWith(settings: object, url: string): Promise<string> {
  const script = `const { useNetwork } = await import(${JSON.stringify(module)});
    useNetwork(${JSON.stringify(settings)});
    process.stdout.write(await (await fetch(${JSON.stringify(url)})).text());`;
  const args = ["--conditions=source", "--no-warnings", "--input-type=module", "-e", script];
  return (await promisify(execFile)(process.execPath, args, { env: {} })).stdout;
}

it("fetches through the proxy, loopback directly", async () => {
  const server = createServer((request, answer) => answer.end(`asked for ${request.url}`)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = { httpProxies: { httpProxy: address, httpsProxy: "", noProxy: "" }, certificates: {} };
  try {
    expect(await fetchWith(settings, "http://github.corp.test/rate")).toBe("asked for http://github.corp.test/rate");
    expect(await fetchWith(settings, `${address}/rate`)).toBe("asked for /rate");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
