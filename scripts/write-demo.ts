/** node scripts/write-demo.ts: runs the demo and writes what it told into the README, between the two marks. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const readme = fileURLToPath(new URL("../README.md", import.meta.url));
const bin = fileURLToPath(new URL("../cli/src/bin.ts", import.meta.url));
const run = spawnSync(process.execPath, ["--conditions=source", "--no-warnings", bin, "demo"], {
  encoding: "utf8",
  env: { ...process.env, NO_COLOR: "1", CI: "1" },
});
if (run.status !== 0) throw new Error(`the demo ended with ${run.status}: ${run.stderr}`);

// The diff is shown twice, before the approval and as the pull request's: once is enough for a reader.
const told = run.stderr.replace(/\nthe pull request's diff\n[\s\S]*?\n(?=\npull request)/, "").trim();
const text = readFileSync(readme, "utf8");
const marks = /<!-- demo:start -->[\s\S]*<!-- demo:end -->/;
if (!marks.test(text)) throw new Error("README.md has lost the marks of the demo");
writeFileSync(
  readme,
  text.replace(
    marks,
    () => `<!-- demo:start -->\n\`\`\`text\n${told}\n${run.stdout.trim()}\n\`\`\`\n<!-- demo:end -->`,
  ),
);
