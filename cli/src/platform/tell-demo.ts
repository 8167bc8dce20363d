import type { Evidence } from "@feedback-chat/protocol/evidence";
import type { LogLine, RunDetail, RunEventEntry } from "@feedback-chat/protocol/run";
import type { DemoMoment, DemoResult } from "../core/demo-moment.ts";
import { wordsOfEvent } from "../core/demo-words.ts";
import { cleanText } from "./clean-text.ts";
import { tellMoment } from "./tell-moment.ts";
import type { Terminal } from "./terminal.ts";

export type Tale = ReturnType<typeof makeTale>;
type OfRun = Extract<DemoMoment, { type: "demo.step" }>["run"];

/** Tells the demo while it happens, each moment with its time. */
export function makeTale(terminal: Terminal) {
  const start = performance.now();
  let last = start;
  let waitedMs = 0;
  const now = () => Math.round(performance.now() - start);
  const tell = (moment: DemoMoment) => tellMoment(terminal, moment, null);
  const line = (text: string) => {
    if (!terminal.isJson) terminal.say(text);
  };
  const stepOf = (step: string, text: string, run: OfRun) => {
    const stepMs = Math.round(performance.now() - last);
    last = performance.now();
    tell({ type: "demo.step", step, text: cleanText(text), run, atMs: now(), stepMs });
  };
  return {
    step: (name: string, text: string) => stepOf(name, text, null),
    title: (text: string) => line(`\n${terminal.bold(text)}\n`),
    note: (text: string) => line(terminal.dim(`          ${text}`)),
    event(entry: RunEventEntry): void {
      const { event, stage, phase } = entry;
      const text = wordsOfEvent(entry);
      const name = event === "phase_started" ? (phase ?? "phase") : stage;
      if (text) stepOf(name, text, { event, stage, phase });
      else tell({ type: "demo.event", event, stage, phase, atMs: now() });
    },
    line: ({ level, message }: LogLine) => tell({ type: "demo.log", level, message, atMs: now() }),
    cost: (costMicroUsd: number) => tell({ type: "demo.cost", costMicroUsd, atMs: now() }),
    patch: (title: string, diff: string) => tell({ type: "demo.diff", title, diff, atMs: now() }),
    pullRequest: (pull: { number: number; title: string; body: string }) =>
      tell({ type: "demo.pull_request", ...pull, atMs: now() }),
    held(run: RunDetail, evidence: Evidence, diff: string): void {
      stepOf("held", `waits for a person: ${run.reasonText ?? run.reason ?? "the policy holds it"}`, null);
      tell({ type: "demo.held", evidence, diff, atMs: now() });
    },
    /** Time that a person took is not the product's. */
    async waiting<T>(work: () => Promise<T>): Promise<T> {
      const from = performance.now();
      const answer = await work();
      waitedMs += performance.now() - from;
      return answer;
    },
    waitedMs: () => waitedMs,
    result: (result: DemoResult) => tell({ type: "demo.result", ...result }),
  };
}
