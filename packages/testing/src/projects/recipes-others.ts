import { mendTotal, npx, type Recipe, type Step, totalSource, totalTest } from "./recipe.ts";

const vitest = "3.2.4";
const yarnVersion = "4.9.2";

const yarnLock: Step = {
  argv: ["npx", "--yes", `--package=@yarnpkg/cli-dist@${yarnVersion}`, "yarn", "install", "--mode=update-lockfile"],
  env: { YARN_ENABLE_IMMUTABLE_INSTALLS: "false", YARN_ENABLE_SCRIPTS: "false", YARN_ENABLE_TELEMETRY: "0" },
};

export const yarnModules: Recipe = {
  id: "yarn-modules",
  made: "create-vite 7.0.0 (vanilla-ts), Vitest",
  manager: `yarn ${yarnVersion}, node-modules`,
  steps: [npx("create-vite@7.0.0", ".", "--template", "vanilla-ts", "--no-interactive")],
  manifests: {
    "": { packageManager: `yarn@${yarnVersion}`, scripts: { test: "vitest run" }, devDependencies: { vitest } },
  },
  files: {
    ".yarnrc.yml": "nodeLinker: node-modules\n",
    ".gitignore": ".yarn\nnode_modules\ndist\n",
    "src/total.ts": totalSource,
    "src/total.test.ts": totalTest("vitest"),
  },
  lock: yarnLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "yarn test",
  checks: ["test", "build"],
};

export const yarnPnp: Recipe = {
  ...yarnModules,
  id: "yarn-pnp",
  manager: `yarn ${yarnVersion}, PnP`,
  files: {
    ...yarnModules.files,
    ".yarnrc.yml": "nodeLinker: pnp\n",
    ".gitignore": ".yarn\n.pnp.*\nnode_modules\ndist\n",
  },
};

const bunVersion = "1.2.20";
/** Its npm package is empty until its own install script has put the platform's program in its place. */
const byBun = (...args: string[]) => ({
  ...npx(`bun@${bunVersion}`, ...args),
  env: { npm_config_ignore_scripts: "false" },
});

export const bun: Recipe = {
  id: "bun",
  made: `bun ${bunVersion} init, bun test`,
  manager: "bun",
  steps: [byBun("init", "--yes")],
  manifests: {
    "": {
      scripts: { test: "bun test", typecheck: "tsc --noEmit" },
      devDependencies: { "@types/bun": bunVersion, typescript: "5.8.3" },
    },
  },
  files: { "total.ts": totalSource, "total.test.ts": totalTest("bun:test") },
  lock: byBun("install", "--lockfile-only", "--ignore-scripts"),
  mend: mendTotal("total.ts"),
  agentRuns: "bun test",
  checks: ["typecheck", "test"],
};
