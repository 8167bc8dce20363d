import { mendTotal, npmLock, npx, type Manifest, type Recipe, totalSource, totalTest } from "./recipe.ts";

const vitest = "3.2.4";
const typescript = "5.8.3";

const cart: Manifest = {
  type: "module",
  exports: "./src/total.ts",
  scripts: {
    test: "vitest run",
    typecheck:
      "tsc --noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler src/total.ts",
  },
  devDependencies: { vitest, typescript },
};
const shop: Manifest = { type: "module", scripts: { test: "vitest run" }, devDependencies: { vitest } };

const files = {
  ".gitignore": "node_modules\n",
  "eslint.config.js": `export default [{ ignores: ["**/*.ts"] }, { rules: { "no-undef": "error" } }];\n`,
  "packages/cart/src/total.ts": totalSource,
  "packages/cart/src/total.test.ts": totalTest("vitest"),
  "packages/shop/src/receipt.ts": `import { totalCents } from "cart";

export const receipt = () => \`Total: \${totalCents([{ priceCents: 100, quantity: 1 }])}\`;
`,
  "packages/shop/src/receipt.test.ts": `import { expect, it } from "vitest";
import { receipt } from "./receipt";

it("prints the total", () => {
  expect(receipt()).toBe("Total: 100");
});
`,
};

const common = {
  files,
  mend: mendTotal("packages/cart/src/total.ts"),
  checks: ["lint", "packages/cart: typecheck", "packages/cart: test"],
};

export const npmWorkspace: Recipe = {
  ...common,
  id: "npm-workspace",
  made: "npm init with workspaces, Vitest",
  manager: "npm",
  steps: [
    { argv: ["npm", "init", "--yes"] },
    { argv: ["npm", "init", "--yes", "--workspace", "packages/cart", "--no-workspaces-update"] },
    { argv: ["npm", "init", "--yes", "--workspace", "packages/shop", "--no-workspaces-update"] },
  ],
  manifests: {
    "": {
      private: true,
      type: "module",
      scripts: { lint: "eslint .", test: "npm test --workspaces" },
      devDependencies: { eslint: "9.29.0" },
    },
    "packages/cart": cart,
    "packages/shop": { ...shop, dependencies: { cart: "1.0.0" } },
  },
  lock: npmLock,
  agentRuns: "npm test",
};

const pnpm = "pnpm@10.34.8";

export const pnpmWorkspace: Recipe = {
  ...common,
  id: "pnpm-workspace",
  made: "pnpm init with workspaces, Vitest",
  manager: "pnpm 10",
  steps: [
    npx(pnpm, "init"),
    { ...npx(pnpm, "init"), folder: "packages/cart" },
    { ...npx(pnpm, "init"), folder: "packages/shop" },
  ],
  manifests: {
    "": {
      private: true,
      type: "module",
      scripts: { lint: "eslint .", test: "pnpm -r test" },
      devDependencies: { eslint: "9.29.0" },
    },
    "packages/cart": cart,
    "packages/shop": { ...shop, dependencies: { cart: "workspace:*" } },
  },
  files: { ...files, "pnpm-workspace.yaml": "packages:\n  - packages/*\n" },
  lock: npx(pnpm, "install", "--lockfile-only", "--ignore-scripts", "--no-frozen-lockfile"),
  agentRuns: "pnpm -r test",
};
