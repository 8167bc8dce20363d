import { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Streams } from "./open-streams.ts";

/** Gives an event stream its connection, with the headers that everything on the way has added to its answer. */
export function sendOnWire({ wires }: Streams, answer: Response, { outgoing }: { outgoing?: unknown }): Response {
  const begin = answer.body && wires.get(answer.body);
  if (!begin || !(outgoing instanceof ServerResponse)) return answer;
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  outgoing.flushHeaders();
  begin(outgoing);
  return RESPONSE_ALREADY_SENT;
}
