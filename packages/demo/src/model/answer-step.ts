import { randomBytes } from "node:crypto";
import type { ModelFault, ScenarioStep, StepUsage } from "../scenario.ts";

type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> };

/** What one answer is made of; the ids are new for each. */
export function messageOf(step: ScenarioStep, model: string) {
  const texts: Block[] = step.text === undefined ? [] : [{ type: "text", text: step.text }];
  const tools = step.tools.map(({ name, input }): Block => ({
    type: "tool_use",
    id: newId("toolu"),
    name,
    input,
  }));
  return {
    id: newId("msg"),
    type: "message" as const,
    role: "assistant" as const,
    model,
    content: [...texts, ...tools],
    stop_reason: step.tools.length > 0 ? ("tool_use" as const) : ("end_turn" as const),
    stop_sequence: null,
    usage: wireUsage(step.usage),
  };
}

export function wireUsage({ input, output, cacheRead, cacheWrite }: StepUsage) {
  return {
    input_tokens: input,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    output_tokens: output,
    service_tier: "standard" as const,
  };
}

/** The server-sent events of one answer, in the order of the Messages API. */
export function eventsOf(step: ScenarioStep, model: string): string[] {
  const { content, stop_reason, stop_sequence, usage, ...message } = messageOf(step, model);
  const start = {
    ...message,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 1 },
  };
  return [
    event("message_start", { message: start }),
    event("ping", {}),
    ...content.flatMap((block, index) => [
      event("content_block_start", {
        index,
        content_block: block.type === "text" ? { ...block, text: "" } : { ...block, input: {} },
      }),
      event("content_block_delta", { index, delta: deltaOf(block) }),
      event("content_block_stop", { index }),
    ]),
    event("message_delta", {
      delta: { stop_reason, stop_sequence },
      usage: { output_tokens: usage.output_tokens },
    }),
    event("message_stop", {}),
  ];
}

function deltaOf(block: Block) {
  return block.type === "text"
    ? { type: "text_delta", text: block.text }
    : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
}

export function event(type: string, data: Record<string, unknown>): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

export function apiError(
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const body = { type: "error", error: { type, message }, request_id: newId("req") };
  return Response.json(body, { status, headers: { "request-id": body.request_id, ...headers } });
}

/** The stream of a step. A stall leaves it open until somebody hangs up, a cut ends the connection in the middle. */
export function streamOf(events: string[], fault: ModelFault | undefined, cut: () => void): ReadableStream<Uint8Array> {
  const until = fault && "afterEvents" in fault ? fault.afterEvents : events.length;
  const error =
    fault?.kind === "sse_error" ? [event("error", { error: { type: fault.type, message: fault.message } })] : [];
  const bytes = [...events.slice(0, until), ...error].map((one) => new TextEncoder().encode(one));
  return new ReadableStream({
    start(controller) {
      for (const one of bytes) controller.enqueue(one);
      if (fault?.kind !== "cut" && fault?.kind !== "stall") controller.close();
    },
    pull() {
      // Called when the bytes before have been taken over.
      if (fault?.kind === "cut") setImmediate(cut);
    },
  });
}

export function newId(prefix: string): string {
  return `${prefix}_01${randomBytes(16).toString("base64url").replace(/[-_]/g, "x")}`;
}
