import type { CheckFinding, SandboxCheck } from "@feedback-chat/protocol/check";
import { isProblem, type Problem } from "@feedback-chat/protocol/problem";
import { checkMachine, unfitMachine } from "./check-machine.ts";
import { composeMachine } from "./compose-machine.ts";
import type { MachineConfig } from "./config.ts";
import { systemClock } from "./platform/system-clock.ts";
import { requireWalls, type Probe, type SelfTest } from "./sandboxes/self-test.ts";

export { parseRunConfig } from "./config.ts";

/**
 * Tries this machine's sandbox as a worker does before its first job.
 * @returns what was found; `problem` is what would keep a worker from taking jobs, null when nothing does.
 * @example const { check, problem } = await checkSandbox(parseRunConfig(process.env));
 */
export async function checkSandbox(config: MachineConfig): Promise<{ check: SandboxCheck; problem: Problem | null }> {
  const found = await checkMachine({ dataFolder: config.dataFolder });
  const unfit = unfitMachine(found);
  if (unfit) return { check: { sandbox: null, checks: found }, problem: unfit };
  await using machine = await composeMachine({ clock: systemClock() }, config);
  try {
    const test = await machine.tryWalls();
    return {
      check: { sandbox: test.facts, checks: [...found, ...test.probes.map(findingOf)] },
      problem: problemOf(test),
    };
  } catch (error) {
    if (!isProblem(error, "sandbox_unavailable")) throw error;
    return { check: { sandbox: null, checks: [...found, noWalls(error)] }, problem: error };
  }
}

function problemOf(test: SelfTest): Problem | null {
  try {
    requireWalls(test);
    return null;
  } catch (error) {
    if (isProblem(error, "sandbox_leaks")) return error;
    throw error;
  }
}

function findingOf({ id, status, title, detail, control, remedy }: Probe): CheckFinding {
  return { id, status, title, detail, control, next: remedy };
}

function noWalls({ message, next }: Problem): CheckFinding {
  return { id: "walls", status: "fail", title: "the sandbox can be built", detail: message, next };
}
