import { insidePaths } from "../core/inside-paths.ts";
import type { Clock } from "../ports/clock.ts";
import type { Engine } from "../ports/engine.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import { Problem } from "@feedback-chat/protocol/problem";
import { engineLimits } from "./claude-code.ts";
import { followEngine } from "./follow-engine.ts";

export type CommandDeps = {
  clock: Clock;
  /** The program and its arguments, as seen inside the sandbox; the prompt comes on its stdin. */
  argv: string[];
  readOnlyMounts?: { host: string; inside: string }[];
  limits?: Partial<SandboxLimits>;
};

/**
 * Any program as an engine. It prints plain text, or the lines of `stream-json`; without a `result` line its
 * exit code is the claim. It finds the proxy in the same variables as Claude Code, and the task in `/task`.
 */
export function commandEngine(deps: CommandDeps): Engine {
  return {
    id: "command",
    async prepare() {
      if (deps.argv.length === 0)
        throw new Problem("engine_missing", "The project's engine is `command`, but no command is set.", {
          next: "Set `engineCommand` in the project's settings.",
        });
      return { version: "1" };
    },
    start(task, job) {
      return followEngine(deps, job, {
        idleSeconds: task.idleSeconds,
        resultFromExit: true,
        spec: {
          argv: deps.argv,
          env: {
            ANTHROPIC_UNIX_SOCKET: `${insidePaths.sockets}/${task.socketName}`,
            ANTHROPIC_BASE_URL: "http://model.invalid",
            ANTHROPIC_API_KEY: task.runToken,
            FEEDBACK_CHAT_MODEL: task.model,
            FEEDBACK_CHAT_MAX_TURNS: String(task.maxTurns),
          },
          stdin: task.prompt,
          hasModelSocket: true,
          readOnlyMounts: deps.readOnlyMounts ?? [],
          limits: { ...engineLimits, ...deps.limits, wallSeconds: task.wallSeconds },
        },
      });
    },
  };
}
