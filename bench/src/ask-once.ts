import { request } from "node:http";

type Ask = { method?: string; headers?: Record<string, string>; body?: string };

/**
 * One request on a connection of its own: one that is kept may be closed by the server as idle in the very moment in
 * which it is used again. @throws Error for an answer that is not a good one
 */
export function askOnce(url: string, { method = "GET", headers = {}, body }: Ask): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const asked = request(url, { method, headers, agent: false }, (answer) => {
    answer.resume().on("end", () => {
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) resolve();
      else reject(new Error(`${method} ${url}: ${status}`));
    });
  });
  asked.on("error", reject);
  asked.end(body);
  return promise;
}
