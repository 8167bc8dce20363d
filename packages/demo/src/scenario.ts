import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** How one answer goes wrong. `afterEvents` counts the server-sent events that go out before. */
export const modelFault = z.discriminatedUnion("kind", [
  /** An error answer instead of a stream. */
  z.strictObject({
    kind: z.literal("status"),
    status: z.int().min(200).max(599),
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
  }),
  /** Takes the request and never answers. */
  z.strictObject({ kind: z.literal("hang") }),
  /** Stops in mid-stream and keeps the connection open. */
  z.strictObject({ kind: z.literal("stall"), afterEvents: z.int().min(0) }),
  /** Cuts the connection in mid-stream. */
  z.strictObject({ kind: z.literal("cut"), afterEvents: z.int().min(0) }),
  /** An `error` event in mid-stream. */
  z.strictObject({
    kind: z.literal("sse_error"),
    afterEvents: z.int().min(0).default(1),
    type: z.string().default("overloaded_error"),
    message: z.string().default("Overloaded"),
  }),
  /** These bytes as the body, whatever they are. */
  z.strictObject({
    kind: z.literal("raw"),
    base64: z.base64(),
    contentType: z.string().default("text/event-stream"),
  }),
]);
export type ModelFault = z.infer<typeof modelFault>;

const usage = z.strictObject({
  input: z.int().min(0).default(1200),
  output: z.int().min(0).default(120),
  cacheRead: z.int().min(0).default(0),
  cacheWrite: z.int().min(0).default(0),
});
export type StepUsage = z.infer<typeof usage>;

/**
 * One turn of the model. `{{tree}}` in any text is the engine's working folder, `{{task}}` the folder of
 * `issue.json`. A step with tools ends with `tool_use`, one without with `end_turn`.
 */
export const scenarioStep = z.strictObject({
  text: z.string().optional(),
  tools: z.array(z.strictObject({ name: z.string(), input: z.record(z.string(), z.unknown()) })).default([]),
  usage: usage.prefault({}),
  delayMs: z.int().min(0).default(0),
  fault: modelFault.optional(),
});
export type ScenarioStep = z.infer<typeof scenarioStep>;
const steps = z.array(scenarioStep).min(1);

/**
 * What the model does, step by step. Stateless: the step is the number of assistant messages in the request.
 * Each scenario begins by reading the task, so that the scenario can be chosen by what the task says.
 */
export const scenario = z.strictObject({
  name: z.string(),
  about: z.string(),
  /** Played instead of `steps` when the regular expression matches what the request says. The first that matches. */
  whenSeen: z.array(z.strictObject({ pattern: z.string(), steps })).default([]),
  steps,
  /** After the last step: say that it is done (default), or play the last step for ever. */
  afterwards: z.enum(["end", "repeat_last"]).default("end"),
});
export type Scenario = z.infer<typeof scenario>;
/** A scenario as a file or a test writes it: what has a default may be left out. */
export type ScenarioInput = z.input<typeof scenario>;

/** The scenario files that come with this package. */
export const scenarioFolder = fileURLToPath(new URL("../scenarios", import.meta.url));

/** Reads every scenario of a folder, by name. */
export async function readScenarios(folder: string = scenarioFolder): Promise<Record<string, Scenario>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).sort();
  const read = files.map(async (file) => scenario.parse(JSON.parse(await readFile(join(folder, file), "utf8"))));
  return Object.fromEntries((await Promise.all(read)).map((one) => [one.name, one]));
}
