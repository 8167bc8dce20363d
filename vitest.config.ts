import { defineConfig } from "vitest/config";

const conditions = ["source"];
const resolving = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

/**
 * One project per package and kind. Units lie beside their file and share a worker (no module state, no mocks
 * of own modules: laws of the house); the suites in `test/` start processes and databases.
 */
function units(name: string, folder: string) {
  return {
    ...resolving,
    test: {
      name: `${name}:unit`,
      root: folder,
      include: ["src/**/*.test.ts"],
      isolate: false,
      pool: "threads" as const,
    },
  };
}
function suites(name: string, folder: string, testTimeout: number) {
  return {
    ...resolving,
    test: {
      name: `${name}:suite`,
      root: folder,
      include: ["test/**/*.test.ts"],
      pool: "forks" as const,
      testTimeout,
      hookTimeout: 120_000,
    },
  };
}

export default defineConfig({
  test: {
    projects: [
      units("protocol", "packages/protocol"),
      units("agent", "packages/agent"),
      units("demo", "packages/demo"),
      units("testing", "packages/testing"),
      units("control-plane", "control-plane"),
      units("cli", "cli"),
      suites("protocol", "packages/protocol", 30_000),
      suites("agent", "packages/agent", 60_000),
      suites("demo", "packages/demo", 60_000),
      suites("testing", "packages/testing", 180_000),
      suites("control-plane", "control-plane", 60_000),
      suites("cli", "cli", 180_000),
      {
        ...resolving,
        test: {
          name: "house",
          root: "scripts",
          include: ["test/**/*.test.ts"],
          pool: "forks" as const,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
