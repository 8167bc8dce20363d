import { readFileSync } from "node:fs";
import { next, phases, type Phase, type Stage } from "@feedback-chat/protocol/run-machine";
import { describe, expect, it } from "vitest";
import { type DemoMoment, demoRecording } from "./demo-moment.ts";

const text = readFileSync(new URL("../recordings/demo.json", import.meta.url), "utf8");
const raw = JSON.parse(text) as unknown;
const { moments } = demoRecording.parse(raw);
type Of<T extends DemoMoment["type"]> = Extract<DemoMoment, { type: T }>;
const of = <T extends DemoMoment["type"]>(type: T) => moments.filter((moment): moment is Of<T> => moment.type === type);

describe("the recording that demo --replay plays", () => {
  it("is of today's schema, nothing more and nothing less, and small", () => {
    expect(demoRecording.parse(raw)).toEqual(raw);
    expect(Buffer.byteLength(text)).toBeLessThan(100_000);
    expect(moments.at(-1)).toMatchObject({ type: "demo.result", ok: true, stage: "preview_ready" });
  });

  it("goes through the stages as the run machine allows, and through all phases in their order", () => {
    let stage: Stage = "created";
    let entered: Phase[] = [];
    const rounds: Phase[][] = [];
    for (const moment of moments) {
      const run = moment.type === "demo.step" ? moment.run : moment.type === "demo.event" ? moment : null;
      if (!run) continue;
      stage = next(stage, run.event);
      expect(run.stage, run.event).toBe(stage);
      if (run.event === "leased" || run.event === "resumed") rounds.push((entered = []));
      if (run.event === "phase_started" && run.phase) entered.push(run.phase);
    }
    expect(stage).toBe("preview_ready");
    expect(rounds).toEqual([
      ["snapshot", "clone", "deps", "agent", "collect", "validate", "hold"],
      ["snapshot", "clone", "hold", "publish"],
    ]);
    for (const round of rounds) expect(round.toSorted((a, b) => phases.indexOf(a) - phases.indexOf(b))).toEqual(round);
  });

  it("tells the times forwards, the cost upwards, and what a person looked at before the pull request", () => {
    const times = moments.flatMap((moment) => (moment.type === "demo.result" ? [] : [moment.atMs]));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const costs = of("demo.cost").map(({ costMicroUsd }) => costMicroUsd);
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
    expect(costs.at(-1)).toBe(of("demo.result")[0]?.costMicroUsd);
    const [held] = of("demo.held");
    expect(held?.evidence.checked.checks).toMatchObject([{ base: { outcome: "failed" }, head: { outcome: "passed" } }]);
    expect(held?.diff).toContain("line.quantity");
    expect(of("demo.log").length).toBeGreaterThan(10);
    expect(of("demo.pull_request")[0]?.body).toContain("Closes #1");
  });

  it("names no folder and no secret of the machine that it was recorded on", () => {
    const paths = text.match(/(?<![\w.~:/-])\/(?:home|root|tmp|var|opt|usr|Users|etc|mnt|private)\/[\w./-]+/g);
    expect(paths).toBeNull();
    expect(text).not.toMatch(/sk-ant-|ghp_|ghs_/);
  });
});
