import type { ScenarioStep } from "../scenario.ts";
import { eventsOf, messageOf, newId, streamOf } from "./answer-step.ts";
import type { MessagesRequest } from "./read-request.ts";

/** The answer to one step, right or wrong as the scenario says. */
export function performStep(step: ScenarioStep, { model, stream }: MessagesRequest, cut: () => void): Response {
  const { fault } = step;
  const headers = { "request-id": newId("req") };
  if (fault?.kind === "status") {
    const body = fault.body ?? {
      type: "error",
      error: {
        type: fault.status === 529 ? "overloaded_error" : "api_error",
        message: "As the scenario says.",
      },
    };
    return Response.json(body, { status: fault.status, headers: { ...headers, ...fault.headers } });
  }
  if (fault?.kind === "raw")
    return new Response(Buffer.from(fault.base64, "base64"), {
      headers: { ...headers, "content-type": fault.contentType },
    });
  if (!stream) return Response.json(messageOf(step, model), { headers });
  const sse = {
    ...headers,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  };
  return new Response(streamOf(eventsOf(step, model), fault, cut), { headers: sse });
}
