import { describe, expect, it } from "vitest";
import { judgeChanges } from "./verdicts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const judge = (path: string, protectedPaths: string[] = []) =>
  judgeChanges(
    [{ path, rawPath: path, isBinary: false, modeBefore: "100644", modeAfter: "100644", before: bytes("a\n"), after: bytes("b\n") }],
    { basePaths: [], protectedPaths },
  ); // prettier-ignore

/** The contract's list, word by word, with a file that each word means. */
const contract: [pattern: string, file: string][] = [
  [".github", ".github/workflows/ci.yml"], ["CODEOWNERS", "CODEOWNERS"], [".claude", ".claude/settings.json"],
  [".agents", ".agents/one.md"], [".cursor", ".cursor/rules"], [".mcp.json", ".mcp.json"], ["CLAUDE.md", "CLAUDE.md"],
  ["AGENTS.md", "AGENTS.md"], [".npmrc", ".npmrc"], [".yarnrc*", ".yarnrc"], [".yarnrc*", ".yarnrc.yml"],
  [".pnpmfile.*", ".pnpmfile.cjs"], [".husky", ".husky/pre-commit"], [".gitattributes", ".gitattributes"],
  ["Dockerfile*", "Dockerfile"], ["Dockerfile*", "Dockerfile.prod"], ["Makefile", "Makefile"], ["*.sh", "deploy.sh"],
  ["next.config.*", "next.config.mjs"], ["vercel.json", "vercel.json"], ["middleware", "middleware/auth.ts"],
  ["middleware.*", "middleware.ts"], ["migrations", "migrations/0001.sql"],
  ["package-lock.json", "package-lock.json"], ["npm-shrinkwrap.json", "npm-shrinkwrap.json"], ["yarn.lock", "yarn.lock"],
  ["pnpm-lock.yaml", "pnpm-lock.yaml"], ["bun.lock", "bun.lock"], ["Cargo.lock", "Cargo.lock"], ["go.sum", "go.sum"],
  ["vite.config.*", "vite.config.ts"], ["tsconfig*.json", "tsconfig.build.json"], ["vitest.config.*", "vitest.config.ts"],
  ["jest.config.*", "jest.config.js"], ["eslint.config.*", "eslint.config.mjs"], [".eslintrc*", ".eslintrc.json"],
  [".oxlintrc.json", ".oxlintrc.json"], ["biome.json", "biome.json"], ["requirements*.txt", "requirements-dev.txt"], ["Pipfile.lock", "Pipfile.lock"],
  ["mix.lock", "mix.lock"], ["flake.lock", "flake.lock"], ["gulpfile.*", "gulpfile.js"], ["justfile", "justfile"], ["phpunit.xml*", "phpunit.xml.dist"], [".env*", ".env.local"], ["pyproject.toml", "pyproject.toml"],
  // What runs on others' machines, or in their CI, although no name of the contract says so.
  [".yarn", ".yarn/releases/yarn-4.cjs"], ["patches", "patches/left-pad.patch"], [".cargo", ".cargo/config.toml"], ["gradle-wrapper.*", "gradle/wrapper/gradle-wrapper.properties"],
  ["gradlew*", "gradlew"], [".mvn", ".mvn/wrapper/maven-wrapper.properties"], ["*.bat", "build.bat"], ["*.ps1", "x.ps1"], ["Containerfile*", "Containerfile"], ["*.Dockerfile", "web.Dockerfile"],
  [".gitlab-ci*", ".gitlab-ci.yaml"], [".drone.y*ml", ".drone.yml"], [".woodpecker*", ".woodpecker/ci.yaml"], [".forgejo", ".forgejo/workflows/a.yml"], [".gitea", ".gitea/workflows/a.yml"], ["cloudbuild*.y*ml", "cloudbuild.yaml"],
  ["action.y*ml", "action.yml"], ["vercel.ts", "vercel.ts"], ["proxy.ts", "proxy.ts"], ["instrumentation*.ts", "instrumentation-client.ts"], ["Procfile", "Procfile"], ["renovate.json*", "renovate.json5"], [".releaserc*", ".releaserc"],
  ["*.tf", "main.tf"], ["*.csproj", "a.csproj"], ["Directory.*.props", "Directory.Build.props"], ["setupTests.*", "setupTests.ts"], ["jest-setup.*", "jest-setup.js"], [".storybook", ".storybook/main.ts"],
  ["webpack.*", "webpack.common.js"], ["angular.json", "angular.json"], ["requirements", "requirements/base.txt"], [".clinerules*", ".clinerules"], ["copilot-instructions.md", "copilot-instructions.md"],
  ["CLAUDE.local.md", "CLAUDE.local.md"], [".kiro", ".kiro/steering/a.md"], [".continue", ".continue/rules/a.md"], ["SKILL.md", "SKILL.md"], [".aider*", ".aider.conf.yml"], ["mcp.json", "mcp.json"],
]; // prettier-ignore

describe("the list of what waits for a person", () => {
  it.each(contract)("%s holds %s: at the root, at any depth, in any case", (_pattern, file) => {
    for (const path of [file, `apps/web/${file}`, `APPS/${file.toUpperCase()}`])
      expect(judge(path)).toMatchObject([{ level: "hold", path, line: null }]);
  });

  it.each(contract)("a project's !%s lets %s through, and nothing else", (pattern, file) => {
    for (const path of [file, `apps/web/${file}`]) expect(judge(path, [`!${pattern}`])).toEqual([]);
    const other = file.startsWith(".github") ? "AGENTS.md" : ".github/dependabot.yml";
    expect(judge(other, [`!${pattern}`])).toMatchObject([{ level: "hold", path: other }]);
  });

  it("also under the letters that some file system takes for those: what macOS opens as .husky is .husky", () => {
    for (const path of [".hu\u017fky/pre-commit", ".hus\u212ay/pre-commit", ".g\u0131thub/x", "pac\u212aage-loc\u212a.json", "Doc\u212aerfile"])
      expect(judge(path), path).toMatchObject([{ level: "hold", path }]);
    expect(judgeChanges([{ path: "a/pac\u212aage.json", rawPath: "a/p", isBinary: false, modeBefore: null, modeAfter: "100644", before: null, after: bytes('{"scripts":{"test":"x"}}') }], { basePaths: [], protectedPaths: [] }))
      .toMatchObject([{ level: "hold", code: "scripts" }]);
    expect(judge("Bi\ufb01ling/x.ts", ["bifiling"])).toMatchObject([{ code: "project_protected" }]);
  }); // prettier-ignore

  it("a path in one folder only can be taken out, and one's own protection stays", () => {
    const own = ["!docs/.github", "billing"];
    expect(judge("docs/.github/x.md", own)).toEqual([]);
    expect(judge(".github/x.md", own)).toMatchObject([{ code: "protected_path" }]);
    expect(judge("src/billing/charge.js", own)).toMatchObject([{ code: "project_protected" }]);
  });
});
