import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const links = (text: string) => [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path ?? "");

describe("the documentation", () => {
  it("names exactly two commands in the README, and both are scripts of the root", () => {
    const commands = [...read("README.md").matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text?.trim());
    expect(commands).toEqual(["npm run demo", "npm test"]);
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["demo", "test"]));
  });

  it("shows a real run of the demo in the README, as written by its script", () => {
    const [, told = ""] = /<!-- demo:start -->([\s\S]*)<!-- demo:end -->/.exec(read("README.md")) ?? [];
    for (const words of [
      "webhook",
      "held",
      "approved by demo-maintainer",
      "failed before, passed after",
      "preview_ready",
    ])
      expect(told).toContain(words);
  });

  const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".md"),
  );

  it.each(["README.md", "AGENTS.md", ...pages.map((page) => `docs/${page}`)])(
    "%s links only to files that are there",
    (file) => {
      const broken = links(read(file)).filter((path) => !existsSync(join(root, file, "..", path)));
      expect(broken).toEqual([]);
    },
  );

  it("describes exactly the settings that a project has", () => {
    const [, fields = ""] =
      /export const runSettings = z\.object\(\{\n([\s\S]*?)\n\}\);/.exec(read("packages/protocol/src/job.ts")) ?? [];
    const settings = [...fields.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
    const described = [...read("docs/projects.md").matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(settings.length).toBeGreaterThan(10);
    expect(new Set(described)).toEqual(new Set(settings));
  });

  it.each(["control-plane/src/config.ts", "packages/agent/src/config.ts", "cli/src/config.ts"])(
    "names every variable that %s reads",
    (file) => {
      const named = read("docs/configuration.md");
      const variables = [
        ...read(file).matchAll(
          /\b((?:FEEDBACK_CHAT|GITHUB|ANTHROPIC|DATABASE|CLAUDE_CODE)_[A-Z_]+|MODE|PORT|HOST|PUBLIC_URL|DATA_DIR|MASTER_KEY|GIT_SHA|NO_COLOR)\b/g,
        ),
      ].map(([name]) => name);
      expect(variables.length).toBeGreaterThan(5);
      expect([...new Set(variables)].filter((name) => !named.includes(name) && name !== "GITHUB_ACTIONS")).toEqual([]);
    },
  );
});
