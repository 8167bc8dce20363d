/** What `npm test` runs, in this order within a lane; the two lanes run side by side. */
export interface Suite {
  name: string;
  lane: "browser" | "processes";
  command: string[];
  /** A gate is one test: it passes or fails. A suite of vitest must have at least this many, or it fails. */
  tests: "gate" | { atLeast: number };
  /** In `npm run check` too. */
  isQuick?: true;
}

const vitest = (project: string, workers: number) => ["vitest", "run", "--project", project, `--maxWorkers=${workers}`];

export const suites: Suite[] = [
  { name: "types", lane: "processes", command: ["tsc", "-p", "tsconfig.json"], tests: "gate" },
  {
    name: "lint",
    lane: "processes",
    command: ["oxlint", "--deny-warnings"],
    tests: "gate",
    isQuick: true,
  },
  {
    name: "format",
    lane: "processes",
    command: ["oxfmt", "--check", "."],
    tests: "gate",
    isQuick: true,
  },
  {
    name: "knip",
    lane: "processes",
    command: ["knip", "--no-progress"],
    tests: "gate",
    isQuick: true,
  },
  {
    name: "boundaries",
    lane: "processes",
    command: ["node", "scripts/boundaries.ts"],
    tests: "gate",
    isQuick: true,
  },
  {
    name: "units",
    lane: "processes",
    command: vitest("*:unit", 2),
    tests: { atLeast: 640 },
    isQuick: true,
  },
  { name: "house", lane: "processes", command: vitest("house", 1), tests: { atLeast: 120 } },
  { name: "demo", lane: "processes", command: vitest("demo:suite", 1), tests: { atLeast: 80 } },
  { name: "agent", lane: "processes", command: vitest("agent:suite", 1), tests: { atLeast: 290 } },
  {
    name: "control-plane",
    lane: "processes",
    command: vitest("control-plane:suite", 1),
    tests: { atLeast: 420 },
  },
  {
    name: "build",
    lane: "browser",
    command: ["npm", "run", "--silent", "build"],
    tests: "gate",
  },
  {
    name: "published packages",
    lane: "browser",
    command: ["node", "scripts/check-packages.ts"],
    tests: "gate",
  },
  {
    name: "dashboard types",
    lane: "browser",
    command: ["tsc", "-p", "control-plane/dashboard/tsconfig.json"],
    tests: "gate",
  },
  {
    name: "dashboard",
    lane: "browser",
    command: vitest("control-plane:browser", 1),
    tests: { atLeast: 3 },
  },
  { name: "cli", lane: "browser", command: vitest("cli:suite", 1), tests: { atLeast: 85 } },
  { name: "adversarial", lane: "browser", command: vitest("adversarial", 2), tests: { atLeast: 85 } },
  { name: "projects", lane: "browser", command: vitest("projects", 1), tests: { atLeast: 3 } },
  {
    name: "testing",
    lane: "browser",
    command: vitest("testing:suite", 1),
    tests: { atLeast: 84 },
  },
];
