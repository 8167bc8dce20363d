import { expect, it } from "vitest";
import { vite } from "./recipes-npm.ts";
import { renderTable } from "./render-table.ts";
import type { ProjectRun } from "./run-project.ts";

const passed = { outcome: "passed", durationMs: 1, outputTail: "" } as const;
const run: ProjectRun = {
  checks: [{ name: "test", command: ["sh"], base: { ...passed, outcome: "failed" }, head: passed }],
  seconds: { clone: 0.1, deps: 3, agent: 4, collect: 0.25, validate: 5, publish: 0.5, cleanup: 0.2 },
  totalSeconds: 12.85, trouble: null, said: "",
}; // prettier-ignore

it("renders a line for each project, with seconds by phase", () => {
  const lines = renderTable([
    { recipe: vite, run },
    { recipe: vite, run: { ...run, trouble: "test failed:\n a | b" } },
  ]).split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[2]).toContain("| npm | test | 0.1 | 3.0 | 4.0 | 0.3 | 5.0 | 0.5 | 0.2 | 12.8 | pull request, green |");
  expect(lines[3]).toContain("| test failed: a \\| b |");
});
