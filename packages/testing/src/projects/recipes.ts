import type { Recipe } from "./recipe.ts";
import { prisma } from "./recipe-prisma.ts";
import * as byNpm from "./recipes-npm.ts";
import * as byOthers from "./recipes-others.ts";
import * as workspaces from "./recipes-workspaces.ts";

/** In the order of the table. */
export const recipes: readonly Recipe[] = [
  byNpm.vite,
  byNpm.nextNpm,
  byNpm.nextPnpm,
  byNpm.express,
  byNpm.nest,
  byNpm.fastify,
  workspaces.npmWorkspace,
  workspaces.pnpmWorkspace,
  byOthers.yarnModules,
  byOthers.yarnPnp,
  byOthers.bun,
  prisma,
  byNpm.native,
  byNpm.compiled,
];
