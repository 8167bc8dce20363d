/**
 * A change to one of these, at any depth, waits for a person: they steer CI, agents, package managers,
 * builds, tests or deployments. Patterns are matched against the whole path and against each of its tails.
 */
export const protectedPaths = [
  ".github", ".gitlab-ci.yml", ".circleci", "CODEOWNERS", ".claude", ".agents", ".cursor", ".mcp.json", "CLAUDE.md", "AGENTS.md",
  ".npmrc", ".yarnrc*", ".pnpmfile.*", ".husky", ".gitattributes", ".gitmodules", ".lfsconfig", "Dockerfile*",
  "Makefile", "*.sh", "next.config.*", "vercel.json", "middleware", "middleware.*", "migrations",
] as const; // prettier-ignore

export const lockfiles = [
  "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
  "Cargo.lock", "poetry.lock", "uv.lock", "Gemfile.lock", "composer.lock", "go.sum",
] as const; // prettier-ignore

/** What decides how a build, a test run or a linter behaves. */
export const buildConfigs = [
  "tsconfig*.json", "jsconfig*.json", "vite.config.*", "vitest.config.*", "vitest.workspace.*", "jest.config.*", "jest.setup.*",
  "playwright.config.*", "cypress.config.*", "karma.conf.*", ".mocharc*", ".c8rc*", ".nycrc*", "webpack.config.*", "rollup.config.*",
  "rolldown.config.*", "esbuild.config.*", "tsup.config.*", "tsdown.config.*", "babel.config.*", ".babelrc*", ".swcrc", "postcss.config.*", "tailwind.config.*",
  "eslint.config.*", ".eslintrc*", ".eslintignore", "biome.json", "biome.jsonc", ".oxlintrc.json", ".prettierrc*", "prettier.config.*",
  "turbo.json", "nx.json", "lerna.json", "pnpm-workspace.yaml", "deno.json", "deno.jsonc", "bunfig.toml", "svelte.config.*", "nuxt.config.*",
  "astro.config.*", "remix.config.*", "netlify.toml", "fly.toml", "wrangler.*", "docker-compose*", "compose.y*ml", ".env*", "lefthook.y*ml",
] as const; // prettier-ignore
