import { matchPaths, type PathMatcher } from "./match-paths.ts";

/**
 * A change to one of these, at any depth, waits for a person: they steer CI, agents, package managers,
 * builds, tests or deployments. Patterns are matched against the whole path and against each of its tails.
 */
export const protectedPaths = [
  ".github", ".gitlab-ci*", ".circleci", ".buildkite", ".travis.yml", "Jenkinsfile*", "azure-pipelines*", "bitbucket-pipelines.yml",
  ".drone.y*ml", ".woodpecker*", ".forgejo", ".gitea", ".semaphore", ".teamcity", ".cirrus.y*ml", "appveyor.yml", ".appveyor.yml", "cloudbuild*.y*ml", "buildspec*.y*ml", "action.y*ml",
  "CODEOWNERS", ".claude", ".agents", ".cursor", ".mcp.json", "mcp.json", "CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", "AGENT.md", "AGENTS.override.md", "SKILL.md", "copilot-instructions.md",
  ".cursorrules", ".windsurf", ".windsurfrules", ".clinerules*", ".roo", ".roorules*", ".kiro", ".continue", ".junie", ".amazonq", ".trae", ".qwen", "QWEN.md", ".aider*", ".goosehints", ".zed",
  ".codex", ".gemini", "GEMINI.md", ".opencode", ".vscode", ".idea", ".devcontainer*",
  ".npmrc", ".yarn", ".yarnrc*", ".pnpmfile.*", "patches", ".husky", ".gitattributes", ".gitmodules", ".lfsconfig", "Dockerfile*", "*.Dockerfile", "Containerfile*", ".dockerignore",
  "Makefile", "Makefile.*", "*.sh", "*.bash", "*.ps1", "*.bat", "*.cmd", "gradlew*", "gradle-wrapper.*", "mvnw*", ".mvn", ".cargo",
  "next.config.*", "vercel.json", "vercel.ts", "middleware", "middleware.*", "proxy.ts", "proxy.js", "instrumentation*.ts", "instrumentation*.js", "migrations", "node_modules",
  "Procfile", "render.yaml", "railway.*", "app.yaml", "serverless.*", "firebase.json", "*.rules", "renovate.json*", ".renovaterc*", ".releaserc*", "release.config.*", ".goreleaser*",
  "*.tf", "*.tfvars", "*.hcl", "*.nix", "Vagrantfile", "Earthfile", "Tiltfile", "skaffold.yaml", "Chart.yaml", "kustomization.y*ml",
] as const; // prettier-ignore

export const lockfiles = [
  "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock",
  "Cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "requirements*.txt", "requirements", "constraints*.txt", "Gemfile.lock", "composer.lock", "go.sum",
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
  "setupTests.*", "jest-setup.*", ".storybook", "webpack.*", "angular.json", "vue.config.*", "craco.config.*", "metro.config.*", "app.config.*", "gatsby-*.js", "gatsby-*.ts", ".eleventy.*", ".parcelrc", ".browserslistrc",
  "*.csproj", "*.fsproj", "*.vbproj", "*.sln", "Directory.*.props", "Directory.*.targets", "nuget.config", "global.json", "build.sbt", "plugins.sbt", "*.bazel", "WORKSPACE", ".bazelrc", "meson.build", "configure.ac", "gradle.properties", "*.versions.toml",
  "*.gemspec", ".ruby-version", ".python-version", ".java-version", "rust-toolchain*", "clippy.toml", ".clippy.toml", "noxfile.py", "sitecustomize.py", "usercustomize.py", "*.pth", "environment.y*ml", "MANIFEST.in",
  "gulpfile.*", "Gruntfile.*", "justfile", "GNUmakefile", "*.mk", "CMakeLists.txt", "phpunit.xml*", "phpstan.neon*", ".rspec", ".rubocop.yml", "ruff.toml", ".ruff.toml", "mypy.ini", ".golangci.y*ml", "Taskfile.y*ml",
] as const; // prettier-ignore

/** A project's own patterns: what it protects besides, and, after a `!`, what of our lists it does not. */
export function ownPaths(own: readonly string[]): { added: string[]; isTakenOut: PathMatcher } {
  const taken = own.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  return { added: own.filter((pattern) => !pattern.startsWith("!")), isTakenOut: matchPaths(taken) };
}
