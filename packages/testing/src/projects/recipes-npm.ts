import { mendTotal, npmLock, npx, type Recipe, totalSource, totalTest } from "./recipe.ts";

const vitest = "3.2.4";

export const vite: Recipe = {
  id: "vite",
  made: "create-vite 7.0.0 (react-ts), Vitest",
  manager: "npm",
  steps: [npx("create-vite@7.0.0", ".", "--template", "react-ts", "--no-interactive")],
  manifests: { "": { scripts: { test: "vitest run" }, devDependencies: { vitest } } },
  files: { "src/total.ts": totalSource, "src/total.test.ts": totalTest("vitest") },
  lock: npmLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "npm test && npm run build",
  checks: ["lint", "test", "build"],
};

const nextFlags = [
  "--ts",
  "--eslint",
  "--no-tailwind",
  "--src-dir",
  "--app",
  "--no-turbopack",
  "--import-alias",
  "@/*",
];
const createNext = (manager: string) =>
  npx("create-next-app@15.3.0", "app", ...nextFlags, `--use-${manager}`, "--skip-install", "--disable-git", "--yes");

/** The generator refuses a folder that is not named like a package. */
const upFromApp = { argv: ["sh", "-c", "mv app made && mv made/* made/.[!.]* . && rmdir made"] };

export const nextNpm: Recipe = {
  id: "next-npm",
  made: "create-next-app 15.3.0, Vitest",
  manager: "npm",
  steps: [createNext("npm"), upFromApp],
  manifests: { "": { scripts: { test: "vitest run" }, devDependencies: { vitest } } },
  files: {
    "src/total.ts": totalSource,
    "src/total.test.ts": totalTest("vitest"),
    "src/app/layout.tsx": layoutWithoutFonts(),
  },
  lock: npmLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "npm test",
  checks: ["lint", "test", "build"],
};

export const nextPnpm: Recipe = {
  ...nextNpm,
  id: "next-pnpm",
  manager: "pnpm 10",
  steps: [createNext("pnpm"), upFromApp],
  lock: npx("pnpm@10.34.8", "install", "--lockfile-only", "--ignore-scripts", "--no-frozen-lockfile"),
};

/** The generated layout fetches Google's fonts while it builds: no network there. */
function layoutWithoutFonts(): string {
  return `import "./globals.css";

export default function RootLayout({ children }: Readonly<{ children: React.ReactNode }>) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
`;
}

export const express: Recipe = {
  id: "express",
  made: "express-generator 4.16.1, Jest",
  manager: "npm",
  steps: [npx("express-generator@4.16.1", "--no-view", "--git", "--force", ".")],
  manifests: { "": { scripts: { test: "jest" }, devDependencies: { jest: "29.7.0", supertest: "7.1.4" } } },
  files: {
    "lib/total.js": `exports.totalCents = (lines) => lines.reduce((sum, line) => sum + line.priceCents, 0);\n`,
    "test/total.test.js": `const request = require("supertest");
const app = require("../app");
const { totalCents } = require("../lib/total");

test("counts the quantity of each line", () => {
  expect(totalCents([{ priceCents: 1450, quantity: 3 }])).toBe(4350);
});

test("serves its page", async () => {
  await request(app).get("/users").expect(200);
});
`,
  },
  lock: npmLock,
  mend: mendTotal("lib/total.js"),
  agentRuns: "npm test",
  checks: ["test"],
};

export const nest: Recipe = {
  id: "nest",
  made: "@nestjs/cli 11.0.0, Jest",
  manager: "npm",
  steps: [
    npx(
      "@nestjs/cli@11.0.0",
      "new",
      "nest",
      "--directory",
      ".",
      "--skip-git",
      "--skip-install",
      "--package-manager",
      "npm",
    ),
  ],
  manifests: {},
  files: {
    "src/total.ts": totalSource,
    "src/total.spec.ts": `import { totalCents } from './total';

it('counts the quantity of each line', () => {
  expect(totalCents([{ priceCents: 1450, quantity: 3 }])).toBe(4350);
});
`,
  },
  lock: npmLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "npm test",
  checks: ["lint", "test", "build"],
};

export const fastify: Recipe = {
  id: "fastify",
  made: "fastify-cli 7.4.0 (TypeScript), node:test",
  manager: "npm",
  steps: [npx("fastify-cli@7.4.0", "generate", "app", "--lang=ts"), upFromApp],
  // The first version of its range does not run on Node 24.
  manifests: { "": { devDependencies: { "ts-node": "10.9.2" } } },
  files: {
    "src/total.ts": totalSource,
    "test/total.test.ts": `import * as assert from 'node:assert'
import { test } from 'node:test'
import { totalCents } from '../src/total'

test('counts the quantity of each line', () => {
  assert.strictEqual(totalCents([{ priceCents: 1450, quantity: 3 }]), 4350)
})
`,
  },
  lock: npmLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "npm test",
  checks: ["test"],
};

/** An empty project with these packages, whose native code a test uses. */
const withPackages = (dependencies: Record<string, string>, imports: string, test: string) => ({
  manager: "npm",
  steps: [{ argv: ["npm", "init", "--yes"] }],
  manifests: {
    "": { type: "module", scripts: { test: "vitest run" }, dependencies, devDependencies: { vitest } },
  },
  files: {
    ".gitignore": "node_modules\n",
    "src/total.ts": totalSource,
    "src/total.test.ts": `${imports}\n${totalTest("vitest")}\n${test}\n`,
  },
  lock: npmLock,
  mend: mendTotal("src/total.ts"),
  agentRuns: "npm test",
  checks: ["test"],
});

export const native: Recipe = {
  id: "native",
  made: "npm init, sharp and bcrypt, Vitest",
  ...withPackages(
    { sharp: "0.34.4", bcrypt: "6.0.0" },
    `import bcrypt from "bcrypt";\nimport sharp from "sharp";`,
    `it("draws and hashes with native code", async () => {
  const picture = { create: { width: 2, height: 2, channels: 3 as const, background: "red" } };
  expect((await sharp(picture).png().toBuffer()).length).toBeGreaterThan(50);
  expect(await bcrypt.compare("a", await bcrypt.hash("a", 4))).toBe(true);
});`,
  ),
};

/** Compiled by node-gyp in the sandbox, as no prebuilt program can be fetched there. */
export const compiled: Recipe = {
  id: "compiled",
  made: "npm init, better-sqlite3 by its install script, Vitest",
  ...withPackages(
    { "better-sqlite3": "12.9.0" },
    `import Database from "better-sqlite3";`,
    `it("asks a database in native code", () => {
  expect(new Database(":memory:").prepare("select 1 + 1 as two").get()).toEqual({ two: 2 });
});`,
  ),
  installScripts: ["better-sqlite3"],
};
