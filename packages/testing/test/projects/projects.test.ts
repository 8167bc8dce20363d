import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeProject } from "../../src/projects/make-project.ts";
import { nextNpm, vite } from "../../src/projects/recipes-npm.ts";
import { npmWorkspace } from "../../src/projects/recipes-workspaces.ts";
import { registryOfMachine } from "../../src/projects/registry-of-machine.ts";
import { runProject } from "../../src/projects/run-project.ts";

/** The rest of the projects: `npm run test:projects`. */
const few = [vite, nextNpm, npmWorkspace];

let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "feedback-chat-projects-"));
  chmodSync(folder, 0o711);
  env = await registryOfMachine();
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

it.each(few)("brings $id from an issue to a pull request with green checks", { timeout: 600_000 }, async (recipe) => {
  const project = join(folder, recipe.id);
  await makeProject(recipe, project);
  const run = await runProject(recipe, { folder: project, dataFolder: join(folder, "data"), env });
  expect(run.trouble, run.said).toBeNull();
});
