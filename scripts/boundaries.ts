/** The gate `boundaries`: reads the import graph and refuses what does not point inwards. */
import { join } from "node:path";
import { findViolations } from "./find-violations.ts";

const root = join(import.meta.dirname, "..");
const { moduleCount, violations } = await findViolations(root);
/** A reader that finds no modules would be green on nothing. */
const fewest = 100;

for (const line of violations) process.stdout.write(`${line}\n`);
process.stdout.write(`${moduleCount} modules read, ${violations.length} violations\n`);
if (moduleCount < fewest) process.stdout.write(`Too few modules: at least ${fewest} are expected.\n`);
process.exitCode = violations.length > 0 || moduleCount < fewest ? 1 : 0;
