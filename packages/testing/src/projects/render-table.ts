import type { Recipe } from "./recipe.ts";
import { phases, type ProjectRun } from "./run-project.ts";

const head = ["Project", "Made by", "Manager", "Checks", ...phases, "all", "Result"];

/** One line a project, in Markdown, seconds by phase; `docs/projects.md` quotes it. */
export function renderTable(rows: { recipe: Recipe; run: ProjectRun }[]): string {
  return [head, head.map(() => "---"), ...rows.map(lineOf)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function lineOf({ recipe, run }: { recipe: Recipe; run: ProjectRun }): string[] {
  const seconds = [...phases.map((phase) => run.seconds[phase]), run.totalSeconds];
  return [
    recipe.id, recipe.made, recipe.manager, run.checks.map(({ name }) => name).join(", ") || "none",
    ...seconds.map((each) => each.toFixed(1)), run.trouble === null ? "pull request, green" : cut(run.trouble),
  ]; // prettier-ignore
}

function cut(trouble: string): string {
  return trouble.replace(/\s+/g, " ").replaceAll("|", "\\|").slice(0, 200);
}
