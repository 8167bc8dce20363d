/**
 * npm run test:projects [-- <project>…]: makes projects by their real generators, plants a bug in each, and has
 * `feedback-chat run` mend it. Prints a table; exit code 1 unless every run ended in a pull request with green checks.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeProject } from "./make-project.ts";
import type { Recipe } from "./recipe.ts";
import { recipes } from "./recipes.ts";
import { registryOfMachine } from "./registry-of-machine.ts";
import { renderTable } from "./render-table.ts";
import { runProject, type ProjectRun } from "./run-project.ts";

const say = (line: string) => void process.stdout.write(`${line}\n`);
const names = process.argv.slice(2);
const unknown = names.filter((name) => !recipes.some(({ id }) => id === name));
if (unknown.length > 0) {
  say(`There is no project ${unknown.join(", ")}. There are ${recipes.map(({ id }) => id).join(", ")}.`);
  process.exitCode = 2;
} else {
  const rows = await runAll(names.length === 0 ? recipes : recipes.filter(({ id }) => names.includes(id)));
  say(`\n${renderTable(rows)}`);
  process.exitCode = rows.every(({ run }) => run.trouble === null) ? 0 : 1;
}

async function runAll(wanted: readonly Recipe[]): Promise<{ recipe: Recipe; run: ProjectRun }[]> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-projects-"));
  // The sandbox's own user passes through.
  chmodSync(folder, 0o711);
  try {
    const env = await registryOfMachine();
    const rows = [];
    for (const recipe of wanted) {
      const project = join(folder, recipe.id);
      await makeProject(recipe, project);
      const run = await runProject(recipe, { folder: project, dataFolder: join(folder, "data"), env });
      say(`${recipe.id}: ${run.trouble ?? "green"} (${run.totalSeconds.toFixed(1)} s)`);
      if (run.trouble !== null) say(run.said.slice(-8_000));
      rows.push({ recipe, run });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
