import { existsSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { boundaryRules } from "./boundary-rules.ts";
import "./read-using.ts";

const folders = ["packages", "control-plane", "cli", "bench"];

/** Reads every import below `root`, type-only ones too, through the `source` condition: no build is needed. */
export async function findViolations(root: string): Promise<{ moduleCount: number; violations: string[] }> {
  const there = folders.filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(there, {
    baseDir: root,
    parser: "swc", // TypeScript 7 has no compiler API: without swc 0 modules are read, and all is green
    tsPreCompilationDeps: true,
    validate: true,
    ruleSet: { forbidden: boundaryRules },
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    exclude: { path: "(^|/)(node_modules|dist|fixtures|shop)/|^control-plane/dashboard/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["source", "import", "node", "types", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".json"],
    },
  });
  const { modules, summary } = output as ICruiseResult;
  const violations = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
  return { moduleCount: modules.filter(({ source }) => source.endsWith(".ts")).length, violations };
}
