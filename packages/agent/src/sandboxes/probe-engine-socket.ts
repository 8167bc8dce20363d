import { chmod } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Engine } from "../ports/engine.ts";
import type { SandboxJob } from "../ports/sandbox.ts";

const socketName = "engine.sock";

/** Starts the engine against a socket that answers 402, which ends it at once, and looks whether it called. */
export async function probeEngineSocket(job: SandboxJob, engine: Engine): Promise<string> {
  const path = join(job.socketFolder, socketName);
  let calls = 0;
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url?.startsWith("/v1/messages")) calls++;
    request.resume();
    response.writeHead(request.method === "POST" ? 402 : 200, {
      "content-type": "application/json",
      "x-should-retry": "false",
    });
    response.end(
      request.method === "POST" ? '{"type":"error","error":{"type":"billing_error","message":"self-test"}}' : undefined,
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  try {
    await chmod(path, 0o666);
    const run = engine.start(
      {
        prompt: "Say hello.",
        repositoryInstructions: null,
        model: "claude-sonnet-4-5",
        maxTurns: 1,
        wallSeconds: 60,
        idleSeconds: 45,
        runToken: "self-test",
        socketName,
      },
      job,
    );
    for await (const event of run.events) void event;
    const { summary } = await run.ended;
    return calls > 0 ? "works" : `no call came: ${summary.slice(0, 200)}`;
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
