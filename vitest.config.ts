import { join } from "node:path";
import { defineConfig } from "vitest/config";

const conditions = ["source"];
const resolving = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  // Where global setups run: without it they would need a build.
  environments: { __vitest__: { resolve: { conditions, externalConditions: conditions } } },
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
      setupFiles: [join(import.meta.dirname, "scripts/seed-properties.ts")],
      isolate: false,
      // Properties take seconds when the other lane has the machine.
      testTimeout: 60_000,
      pool: "threads" as const,
    },
  };
}
function suites(name: string, folder: string, testTimeout: number) {
  const exclude = [...notOurs, "test/browser/**"];
  return onProcesses(`${name}:suite`, folder, testTimeout, {
    include: ["test/**/*.test.ts"],
    exclude,
  });
}
/** Apart from the rest, because `npm test` runs them in its other lane, after the build. */
function browserSuites(name: string, folder: string) {
  return onProcesses(`${name}:browser`, folder, 120_000, {
    include: ["test/browser/**/*.test.ts"],
    exclude: notOurs,
  });
}

/** On a server database and on the embedded one. */
function controlPlane() {
  const { test, ...rest } = suites("control-plane", "control-plane", 60_000);
  return {
    ...rest,
    test: { ...test, globalSetup: [join(import.meta.dirname, "control-plane/test/support/embedded-template.ts")] },
  };
}

/** The acceptance cases of the pipeline: planted attacks, two at a time. */
function adversarial() {
  const files = { include: ["test/adversarial/**/*.test.ts"], exclude: notOurs };
  const { test, ...rest } = onProcesses("adversarial", "packages/testing", 120_000, files);
  return {
    ...rest,
    test: { ...test, globalSetup: [join(import.meta.dirname, "packages/testing/test/adversarial/shared-data.ts")] },
  };
}

const notOurs = ["**/node_modules/**", "**/fixtures/**"];

interface Files {
  include: string[];
  exclude: string[];
}
function onProcesses(name: string, root: string, testTimeout: number, files: Files) {
  return {
    ...resolving,
    test: { name, root, ...files, pool: "forks" as const, testTimeout, hookTimeout: 120_000 },
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
      units("bench", "bench"),
      suites("protocol", "packages/protocol", 30_000),
      suites("agent", "packages/agent", 60_000),
      suites("demo", "packages/demo", 60_000),
      onProcesses("testing:suite", "packages/testing", 180_000, {
        include: ["test/*.test.ts"],
        exclude: notOurs,
      }),
      adversarial(),
      onProcesses("projects", "packages/testing", 600_000, { include: ["test/projects/*.test.ts"], exclude: notOurs }),
      controlPlane(),
      browserSuites("control-plane", "control-plane"),
      suites("cli", "cli", 180_000),
      onProcesses("house", "scripts", 120_000, {
        include: ["test/**/*.test.ts"],
        exclude: notOurs,
      }),
    ],
  },
});
