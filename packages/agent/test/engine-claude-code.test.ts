import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { claudeCode } from "../src/engines/claude-code.ts";
import { systemClock } from "../src/platform/system-clock.ts";
import { engineContract } from "./contracts/engine.ts";
import { openSandbox } from "./open-sandbox.ts";
import { steps } from "./stub-model.ts";

const enginePath = join(
  dirname(createRequire(import.meta.url).resolve("@anthropic-ai/claude-code/package.json")),
  "bin",
  "claude.exe",
);

async function open() {
  const opened = await openSandbox();
  const engine = claudeCode({
    clock: systemClock(),
    rootFolder: opened.rootFolder,
    enginePath,
    searchPath: "",
    cacheFolder: "",
    fetchEngine: null,
  });
  return { ...opened, engine };
}

const edit = steps(
  { tool: "Read", input: { file_path: "/work/shop.js" } },
  {
    tool: "Edit",
    input: { file_path: "/work/shop.js", old_string: "total = 1", new_string: "total = 2" },
  },
  { text: "The total is 2 now." },
);

engineContract("Claude Code", open, edit);
