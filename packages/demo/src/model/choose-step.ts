import type { Scenario, ScenarioStep } from "../scenario.ts";
import type { ModelTask } from "./read-request.ts";

const finished: ScenarioStep = {
  text: "Done.",
  tools: [],
  usage: { input: 400, output: 10, cacheRead: 0, cacheWrite: 0 },
  delayMs: 0,
};

/** The step that a scenario plays for this request, with the places filled in. */
export function chooseStep(scenario: Scenario, task: ModelTask): ScenarioStep {
  const seen = scenario.whenSeen.find(({ pattern }) => new RegExp(pattern, "i").test(task.text));
  const { steps } = seen ?? scenario;
  const step = steps[task.step] ?? (scenario.afterwards === "repeat_last" ? steps.at(-1) : undefined) ?? finished;
  return fill(step, task);
}

/** Replaces `{{tree}}` and `{{task}}` in every string, however deep. */
export function fill<T>(value: T, places: Pick<ModelTask, "tree" | "task">): T {
  if (typeof value === "string") {
    return value.replaceAll("{{tree}}", places.tree).replaceAll("{{task}}", places.task) as T;
  }
  if (Array.isArray(value)) return value.map((one) => fill(one, places)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one, places)])) as T;
}
