import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a worker counts. */
export type WorkerCounts = {
  running: number;
  claimed: number;
  ends: Record<string, number>;
  isDraining: boolean;
  isSelfTestPassed: boolean;
};

/** `/healthz` and `/metrics`, on loopback only: they name no project and hold no secret. */
export async function startHealthServer(
  counts: () => WorkerCounts,
  port: number,
): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((request, response) => {
    const now = counts();
    if (request.url === "/healthz") {
      response.writeHead(now.isSelfTestPassed ? 200 : 503, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          ok: now.isSelfTestPassed,
          running: now.running,
          draining: now.isDraining,
        }),
      );
    } else if (request.url === "/metrics") {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(render(now));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function render(now: WorkerCounts): string {
  const lines = [
    "# TYPE feedback_chat_worker_jobs_running gauge",
    `feedback_chat_worker_jobs_running ${now.running}`,
    "# TYPE feedback_chat_worker_jobs_claimed_total counter",
    `feedback_chat_worker_jobs_claimed_total ${now.claimed}`,
    "# TYPE feedback_chat_worker_jobs_ended_total counter",
    ...Object.entries(now.ends).map(([end, count]) => `feedback_chat_worker_jobs_ended_total{end="${end}"} ${count}`),
    "# TYPE feedback_chat_worker_draining gauge",
    `feedback_chat_worker_draining ${Number(now.isDraining)}`,
  ];
  return `${lines.join("\n")}\n`;
}
