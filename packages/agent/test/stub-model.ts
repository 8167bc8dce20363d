import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type SeenRequest = {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
};
export type Step = { text: string } | { tool: string; input: Record<string, unknown> };
/** Answers one request: a step of the model's, or anything else that a test wants to happen on the wire. */
export type Script = (
  request: SeenRequest,
  response: ServerResponse,
  turn: number,
) => Step | void | Promise<Step | void>;

export interface StubModel extends AsyncDisposable {
  baseUrl: string;
  requests: SeenRequest[];
  /** Streams that the other side left before their end. */
  abandoned(): number;
}

/** A model that plays what it is told, over the real wire format. The step is the number of answers so far. */
export async function stubModel(script: Script): Promise<StubModel> {
  const requests: SeenRequest[] = [];
  let abandoned = 0;
  const server = createServer(async (request, response) => {
    response.on("close", () => void (response.writableFinished || abandoned++));
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const seen = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    requests.push(seen);
    const step = await script(seen, response, turnOf(seen.body));
    if (step) sendStep(response, step);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    abandoned: () => abandoned,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Plays the steps in order, the last one again and again. */
export function steps(...all: Step[]): Script {
  return (_request, _response, turn) => all[Math.min(turn, all.length - 1)];
}

export function sendEvents(response: ServerResponse, events: [string, object][]): void {
  if (!response.headersSent)
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "set-cookie": "a=b",
      "request-id": "req_1",
    });
  for (const [type, fields] of events)
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
}

/** The engine takes two messages with one id for one message. */
export const messageStart = (id: string): [string, object] => [
  "message_start",
  {
    message: {
      id, type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [], stop_reason: null, stop_sequence: null,
      usage: { input_tokens: 1_000, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
    },
  },
]; // prettier-ignore

function sendStep(response: ServerResponse, step: Step): void {
  const [block, delta, stop] =
    "text" in step
      ? [{ type: "text", text: "" }, { type: "text_delta", text: step.text }, "end_turn"]
      : [
          {
            type: "tool_use",
            id: `toolu_${Math.trunc(performance.now() * 1e3)}`,
            name: step.tool,
            input: {},
          },
          { type: "input_json_delta", partial_json: JSON.stringify(step.input) },
          "tool_use",
        ];
  sendEvents(response, [
    messageStart(`msg_${performance.now()}`),
    ["content_block_start", { index: 0, content_block: block }],
    ["content_block_delta", { index: 0, delta }],
    ["content_block_stop", { index: 0 }],
    ["message_delta", { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 50 } }],
    ["message_stop", {}],
  ]);
  response.end();
}

function turnOf(body: string): number {
  if (!body.startsWith("{")) return 0;
  const { messages } = JSON.parse(body) as { messages?: { role: string }[] };
  return (messages ?? []).filter((message) => message.role === "assistant").length;
}
