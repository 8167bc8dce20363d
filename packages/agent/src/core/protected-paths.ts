import { matchPaths, type PathMatcher } from "./match-paths.ts";

/**
 * A change to one of these, at any depth, waits for a person: they steer CI, agents, package managers,
 * builds, tests or deployments. Patterns are matched against the whole path and against each of its tails.
 */
export const protectedPaths = [
  ".github", ".gitlab-ci.yml", ".circleci", ".buildkite", ".travis.yml", "Jenkinsfile", "azure-pipelines*", "bitbucket-pipelines.yml",
  "CODEOWNERS", ".claude", ".agents", ".cursor", ".mcp.json", "CLAUDE.md", "AGENTS.md",
  ".cursorrules", ".windsurfrules", ".codex", ".gemini", "GEMINI.md", ".opencode", ".vscode", ".idea", ".devcontainer*",
  ".npmrc", ".yarnrc*", ".pnpmfile.*", ".husky", ".gitattributes", ".gitmodules", ".lfsconfig", "Dockerfile*",
  "Makefile", "*.sh", "next.config.*", "vercel.json", "middleware", "middleware.*", "migrations", "node_modules",
] as const; // prettier-ignore

export const lockfiles = [
  "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
  "Cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "requirements*.txt", "Gemfile.lock", "composer.lock", "go.sum",
  "go.work", "go.work.sum", "gradle.lockfile", "mix.exs", "mix.lock", "pubspec.yaml", "pubspec.lock", "Podfile", "Podfile.lock", "flake.nix", "flake.lock",
  "Package.resolved", "packages.lock.json",
] as const; // prettier-ignore

/** What decides how a build, a test run or a linter behaves. */
export const buildConfigs = [
  "tsconfig*.json", "jsconfig*.json", "vite.config.*", "vitest.config.*", "vitest.workspace.*", "jest.config.*", "jest.setup.*",
  "playwright.config.*", "cypress.config.*", "karma.conf.*", ".mocharc*", ".c8rc*", ".nycrc*", "webpack.config.*", "rollup.config.*",
  "rolldown.config.*", "esbuild.config.*", "tsup.config.*", "tsdown.config.*", "babel.config.*", ".babelrc*", ".swcrc", "postcss.config.*", "tailwind.config.*",
  "eslint.config.*", ".eslintrc*", ".eslintignore", "biome.json", "biome.jsonc", ".oxlintrc.json", ".prettierrc*", "prettier.config.*",
  "package.json5", "package.yaml", ".nvmrc", ".node-version", ".tool-versions", "mise.toml", ".pre-commit-config.yaml", ".coveragerc", ".prettierignore",
  "pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "conftest.py", "Cargo.toml", "build.rs", "go.mod", "Gemfile", "Rakefile",
  "composer.json", "pom.xml", "*.gradle", "*.gradle.kts", "turbo.json", "nx.json", "lerna.json", "pnpm-workspace.yaml", "deno.json", "deno.jsonc", "bunfig.toml", "svelte.config.*", "nuxt.config.*",
  "astro.config.*", "remix.config.*", "netlify.toml", "fly.toml", "wrangler.*", "docker-compose*", "compose.y*ml", ".env*", "lefthook.y*ml",
  "vitest.setup.*", "ava.config.*", "rspack.config.*", "rsbuild.config.*", ".stylelintrc*", "stylelint.config.*", ".lintstagedrc*", "lint-staged.config.*", "commitlint.config.*",
  "gulpfile.*", "Gruntfile.*", "justfile", "GNUmakefile", "*.mk", "CMakeLists.txt", "phpunit.xml*", "phpstan.neon*", ".rspec", ".rubocop.yml", "ruff.toml", ".ruff.toml", "mypy.ini", ".golangci.y*ml", "Taskfile.y*ml",
] as const; // prettier-ignore

/** A project's own patterns: what it protects besides, and, after a `!`, what of our lists it does not. */
export function ownPaths(own: readonly string[]): { added: string[]; isTakenOut: PathMatcher } {
  const taken = own.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  return { added: own.filter((pattern) => !pattern.startsWith("!")), isTakenOut: matchPaths(taken) };
}
