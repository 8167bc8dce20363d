import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { boundaryRules } from "../boundary-rules.ts";
import { findViolations } from "../find-violations.ts";

const packages = {
  protocol: "packages/protocol",
  agent: "packages/agent",
  demo: "packages/demo",
  "control-plane": "control-plane",
};

/** File, its import, and the rule that must refuse it (or none). */
const planted: [file: string, imports: string, rule: string][] = [
  ["packages/protocol/src/noun.ts", "../../agent/src/core/pure.ts", "protocol-stands-alone"],
  ["packages/agent/src/core/upwards.ts", "../ports/port.ts", "core-knows-only-core"],
  ["packages/agent/src/core/node.ts", "node:fs", "core-has-no-platform-of-node"],
  ["packages/agent/src/core/sideways.ts", "@feedback-chat/protocol/run", "none"],
  ["control-plane/src/core/gate.ts", "@feedback-chat/agent/core/pure", "none"],
  ["packages/agent/src/ports/upwards.ts", "../stages/stage.ts", "ports-know-only-core"],
  ["packages/agent/src/engines/upwards.ts", "../stages/stage.ts", "adapters-know-only-ports"],
  ["packages/agent/src/stages/sideways.ts", "../engines/engine.ts", "stages-know-only-ports"],
  ["packages/agent/src/stages/inwards.ts", "../ports/port.ts", "none"],
  ["packages/agent/src/worker/loop.ts", "../engines/engine.ts", "pipeline-and-worker-know-no-adapter"],
  ["packages/agent/src/worker/start-worker.ts", "../engines/engine.ts", "none"],
  ["control-plane/src/platform/upwards.ts", "../jobs/claim-job.ts", "platform-knows-no-feature"],
  ["control-plane/src/runs/borrowed.ts", "../jobs/routes.ts", "features-share-no-routes"],
  ["control-plane/src/jobs/own.ts", "./routes.ts", "none"],
  ["control-plane/src/runs/verb.ts", "../jobs/claim-job.ts", "none"],
  ["control-plane/src/jobs/mounts.ts", "../app.ts", "nothing-knows-main"],
  ["control-plane/src/jobs/settings.ts", "../config.ts", "config-is-read-by-main-alone"],
  ["control-plane/src/main.ts", "./config.ts", "none"],
  ["cli/src/platform/asks.ts", "../commands/up.ts", "commands-share-no-command"],
  ["cli/src/commands/up.ts", "@feedback-chat/agent/worker", "light-front"],
  ["cli/test/worker.test.ts", "@feedback-chat/agent/worker", "none"],
  ["control-plane/src/jobs/heavy.ts", "@feedback-chat/agent/worker", "control-plane-knows-only-the-agents-core"],
  ["packages/demo/src/knows.ts", "@feedback-chat/agent/core/pure", "demo-and-testing-know-no-product"],
  ["cli/src/core/uses-test.ts", "../../test/fixture.ts", "product-knows-no-test"],
  ["cli/src/commands/relative.ts", "../../../packages/protocol/src/run.ts", "packages-meet-at-published-entries"],
  ["control-plane/src/runs/circle-back.ts", "./circle.ts", "no-cycle"],
  ["control-plane/src/runs/lost.ts", "./nowhere.ts", "every-import-is-found"],
  ["cli/src/commands/inner.ts", "@feedback-chat/protocol/inner/secret", "every-import-is-found"],
];

const plain = [
  "packages/protocol/src/run.ts",
  "packages/agent/src/core/pure.ts",
  "packages/agent/src/ports/port.ts",
  "packages/agent/src/stages/stage.ts",
  "packages/agent/src/engines/engine.ts",
  "control-plane/src/jobs/routes.ts",
  "control-plane/src/jobs/claim-job.ts",
  "control-plane/src/app.ts",
  "control-plane/src/config.ts",
  "cli/test/fixture.ts",
];

describe("the boundary rules", () => {
  const root = mkdtempSync(join(tmpdir(), "feedback-chat-boundaries-"));
  let found: Awaited<ReturnType<typeof findViolations>>;

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

  beforeAll(async () => {
    for (const file of plain) write(file, "export const value = 1;\n");
    for (const [file, imports] of planted)
      write(file, `import { value } from "${imports}";\nexport const own = value;\n`);
    write("control-plane/src/runs/circle.ts", 'import { own } from "./circle-back.ts";\nexport const value = own;\n');
    const typeOnly = 'import type { value } from "@feedback-chat/agent/worker";\nexport type Own = typeof value;\n';
    write("cli/src/commands/types.ts", typeOnly);
    write("cli/src/core/types.ts", typeOnly);
    const using =
      'async function a() {\n  await using b = await import("@feedback-chat/agent/worker");\n  return b;\n}\nvoid a;\n';
    write("control-plane/src/jobs/using.ts", using);
    const exports = {
      "./worker": { source: "./src/worker/start-worker.ts" },
      "./core/*": { source: "./src/core/*.ts" },
    };
    for (const [name, folder] of Object.entries(packages)) {
      const entries = name === "protocol" ? { "./*": { source: "./src/*.ts" } } : exports;
      write(
        `${folder}/package.json`,
        JSON.stringify({ name: `@feedback-chat/${name}`, type: "module", exports: entries }),
      );
    }
    mkdirSync(join(root, "node_modules/@feedback-chat"), { recursive: true });
    for (const [name, folder] of Object.entries(packages)) {
      symlinkSync(join(root, folder), join(root, "node_modules/@feedback-chat", name));
    }
    found = await findViolations(root);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it("reads every planted module", () => {
    expect(found.moduleCount).toBeGreaterThanOrEqual(planted.length + plain.length);
  });

  it.each(planted)("judges %s -> %s", (file, _imports, rule) => {
    const named = found.violations.filter((line) => line.includes(`: ${file} -> `)).map((line) => line.split(":")[0]);
    if (rule === "none") expect(named).toEqual([]);
    else expect(named).toContain(rule);
  });

  it("reads type-only imports, and lets the light front have them outside core", () => {
    expect(found.violations.filter((line) => line.includes("/types.ts -> ")).map((line) => line.split(":")[0])).toEqual(
      ["core-knows-only-core"],
    );
  });

  it("reads a file that says `using`, and the import inside it", () => {
    expect(found.violations.filter((line) => line.includes("/using.ts -> ")).map((line) => line.split(":")[0])).toEqual(
      ["control-plane-knows-only-the-agents-core"],
    );
  });

  it("has a planted violation for each rule", () => {
    const rules = boundaryRules.map((rule) => rule.name);
    expect(rules.filter((name) => !planted.some(([, , rule]) => rule === name))).toEqual([]);
  });
});
