import * as z from "zod";
import type { InstallPlan, Planned, PlanInput, ReadBase } from "./install-plan.ts";
import { type Architecture, namedProgram } from "./package-program.ts";
import { planBun } from "./plan-bun.ts";
import { planNpm } from "./plan-npm.ts";
import { planPnpm } from "./plan-pnpm.ts";
import { planYarn } from "./plan-yarn.ts";

const manifest = z.object({ packageManager: z.unknown().optional() });
const planners: Record<string, (input: PlanInput) => Planned> = {
  npm: planNpm,
  pnpm: planPnpm,
  yarn: planYarn,
  bun: planBun,
};

/** How the base's packages are fetched, said by its lockfile; or why they cannot be. */
export async function planInstall(
  { read, architecture }: { read: ReadBase; architecture: Architecture },
  packageJson: unknown,
): Promise<InstallPlan | { problem: string }> {
  const named = namedProgram(manifest.safeParse(packageJson).data?.packageManager);
  for (const name of new Set([...(named ? [named.name] : []), ...Object.keys(planners)])) {
    const plan = await planners[name]?.({ read, architecture, named: named?.name === name ? named : null });
    if (plan) return plan;
  }
  return {
    problem:
      "the base commit has no lockfile, so nothing says what to fetch. Commit the one that your package manager writes.",
  };
}
