import * as z from "zod";
import type { Usage } from "../core/prices.ts";

const count = z.number().int().nonnegative().nullish();
const usageSchema = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  cache_creation: z.object({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count }).nullish(),
});
const answerSchema = z.object({ usage: usageSchema });
const eventSchema = z.union([
  z.object({ type: z.literal("message_start"), message: answerSchema }),
  z.object({ type: z.literal("message_delta"), usage: usageSchema }),
  z.object({ type: z.literal("content_block_delta"), delta: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal("message_stop") }),
]);

/** `isFinal` = the provider said how much it was; otherwise only what was seen until the cut. */
export type SeenUsage = { usage: Usage | null; isFinal: boolean };
export type UsageReader = { push(chunk: Uint8Array): void; end(): SeenUsage };

const maxEventChars = 4 * 1024 * 1024;
const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Reads the usage out of an event stream that passes by. Of a stream that was cut, every byte of output that was
 * seen counts as one token, which is more than it was: a cut is charged, never zero.
 */
export function streamUsageReader(): UsageReader {
  const decoder = new TextDecoder("utf-8", { fatal: false });
  let rest = "";
  let isOverlong = false;
  let usage: Usage | null = null;
  let seenOutput = 0;
  let isFinal = false;

  function readEvent(data: string): void {
    const parsed = eventSchema.safeParse(jsonOrNull(data));
    if (!parsed.success) return;
    const event = parsed.data;
    if (event.type === "message_start") usage = usageOf(event.message.usage);
    else if (event.type === "content_block_delta") seenOutput += textBytes(event.delta);
    else if (event.type === "message_delta") {
      usage = withDelta(usage, event.usage);
      isFinal = true;
    }
  }

  /** Only what came is split: a line without an end is not read again with each piece of it. */
  function readPiece(text: string): void {
    const lines = text.split(/\r\n|\n|\r/);
    const last = lines.pop() ?? "";
    for (const line of lines) {
      if (!isOverlong && (rest + line).startsWith("data:")) readEvent((rest + line).slice(5));
      rest = "";
      isOverlong = false;
    }
    rest += last;
    if (rest.length > maxEventChars) isOverlong = true;
    if (!isOverlong) return;
    // Nobody reads such an event: at the worst all of it was output.
    seenOutput += rest.length;
    rest = "";
  }

  return {
    push: (chunk) => readPiece(decoder.decode(chunk, { stream: true })),
    end: () => ({
      usage: usage && !isFinal ? { ...usage, output: Math.max(usage.output, seenOutput, 1) } : usage,
      isFinal,
    }),
  };
}

/** The same for an answer that is one JSON text; of one that is larger than any answer nothing is known. */
export function bodyUsageReader(): UsageReader {
  let chunks: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      size += chunk.byteLength;
      if (size <= maxBodyBytes) chunks.push(chunk);
      else chunks = [];
    },
    end() {
      const parsed = answerSchema.safeParse(jsonOrNull(Buffer.concat(chunks).toString("utf8")));
      return parsed.success ? { usage: usageOf(parsed.data.usage), isFinal: true } : { usage: null, isFinal: false };
    },
  };
}

type RawUsage = z.infer<typeof usageSchema>;

function usageOf(raw: RawUsage): Usage {
  const written = raw.cache_creation_input_tokens ?? 0;
  const hour = Math.min(written, raw.cache_creation?.ephemeral_1h_input_tokens ?? 0);
  return {
    input: raw.input_tokens ?? 0,
    output: raw.output_tokens ?? 0,
    cacheRead: raw.cache_read_input_tokens ?? 0,
    cacheWrite5m: written - hour,
    cacheWrite1h: hour,
  };
}

/** The last delta's numbers are totals; those that it leaves out stay as the start said. */
function withDelta(before: Usage | null, raw: RawUsage): Usage {
  const now = usageOf(raw);
  if (before === null) return now;
  return {
    input: raw.input_tokens == null ? before.input : now.input,
    output: Math.max(before.output, now.output),
    cacheRead: raw.cache_read_input_tokens == null ? before.cacheRead : now.cacheRead,
    cacheWrite5m:
      raw.cache_creation_input_tokens == null ? before.cacheWrite5m : Math.max(before.cacheWrite5m, now.cacheWrite5m),
    cacheWrite1h:
      raw.cache_creation_input_tokens == null ? before.cacheWrite1h : Math.max(before.cacheWrite1h, now.cacheWrite1h),
  };
}

function textBytes(delta: Record<string, unknown>): number {
  return Object.entries(delta).reduce(
    (sum, [name, value]) => (name !== "type" && typeof value === "string" ? sum + Buffer.byteLength(value) : sum),
    0,
  );
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
