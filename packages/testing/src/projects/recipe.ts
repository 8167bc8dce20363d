/** A project as its own generator makes it, with a bug planted and a test that is red because of it. */
export type Recipe = {
  id: string;
  /** For the table: what made it, and what tests it. */
  made: string;
  manager: string;
  /** Run one after the other in the empty folder; the first word is `npx` or `npm`. */
  steps: readonly Step[];
  /** What the package.json of a folder gets besides: pinned exactly. */
  manifests: Readonly<Record<string, Manifest>>;
  /** Written after the steps, over what they made. */
  files: Readonly<Record<string, string>>;
  /** Writes the lockfile; runs no script of a package. */
  lock: Step;
  /** Packages whose install scripts the owner allows. */
  installScripts?: readonly string[];
  /** What mends the bug. */
  mend: { file: string; from: string; to: string };
  /** What the agent runs in its sandbox, after it has mended the bug. */
  agentRuns: string;
  /** The checks that must be green on the change. */
  checks: readonly string[];
};

export type Step = { argv: readonly string[]; folder?: string; env?: Readonly<Record<string, string>> };

export type Manifest = {
  scripts?: Readonly<Record<string, string>>;
  dependencies?: Readonly<Record<string, string>>;
  devDependencies?: Readonly<Record<string, string>>;
} & Readonly<Record<string, unknown>>;

/** The bug that every project has, in TypeScript: the quantity is forgotten. */
export const totalSource = `export type Line = { priceCents: number; quantity: number };

export function totalCents(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + line.priceCents, 0);
}
`;

export const mendTotal = (file: string): Recipe["mend"] => ({
  file,
  from: "line.priceCents, 0)",
  to: "line.priceCents * line.quantity, 0)",
});

/** For Vitest, Bun and others whose functions are imported. */
export const totalTest = (framework: string, source = "./total") => `import { expect, it } from "${framework}";
import { totalCents } from "${source}";

it("counts the quantity of each line", () => {
  expect(totalCents([{ priceCents: 1450, quantity: 3 }])).toBe(4350);
});
`;

export const npx = (...argv: string[]): Step => ({ argv: ["npx", "--yes", ...argv] });
export const npmLock: Step = { argv: ["npm", "install", "--package-lock-only", "--ignore-scripts"] };
