import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Problem, problems, type ProblemCode } from "@feedback-chat/protocol/problem";
import { publisherLine, type Published, type PublishRequest, type PublishStep } from "../core/publish-plan.ts";

export type PublishInChildDeps = { signal: AbortSignal; onStep(step: PublishStep): void };

/**
 * Runs the publisher as a process of its own with an empty environment; token and plan go in on stdin. It ends with
 * the signal, at any point: the next attempt looks and goes on from there.
 * @throws Problem as `publishRun`.
 */
export async function publishInChild({ signal, onStep }: PublishInChildDeps, plan: PublishRequest): Promise<Published> {
  signal.throwIfAborted();
  const child = execa(process.execPath, [...nodeOptions, entry], {
    cwd: "/",
    extendEnv: false,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8", TZ: "UTC" },
    stdin: "pipe",
    maxBuffer: 1024 * 1024,
    reject: false,
  });
  // Its stdin stays open: the end of it, also by our own death, ends the publisher and its git.
  child.stdin.write(`${JSON.stringify(plan)}\n`);
  const stop = () => child.stdin.end();
  signal.addEventListener("abort", stop, { once: true });
  try {
    let last: Published | Problem | null = null;
    for await (const line of child.iterable()) {
      const said = publisherLine.parse(JSON.parse(line));
      if (said.type === "step") onStep(said.step);
      else
        last =
          said.type === "done"
            ? said.published
            : new Problem(codeOf(said.code), said.detail, { next: said.next, facts: said.facts });
    }
    const result = await child;
    signal.throwIfAborted();
    if (last === null)
      throw new Error(
        `The publisher ended with ${result.exitCode ?? result.signal} and without an answer: ${withoutToken(result.stderr, plan.token).slice(0, 1000)}`,
      );
    if (last instanceof Problem) throw last;
    return last;
  } finally {
    signal.removeEventListener("abort", stop);
    child.stdin.end();
    setTimeout(() => child.kill("SIGKILL"), 2_000).unref();
  }
}

// Beside this file both as source and built.
const isSource = import.meta.url.endsWith(".ts");
const entry = fileURLToPath(new URL(isSource ? "./publisher-process.ts" : "./publisher-process.js", import.meta.url));
const nodeOptions = isSource ? ["--conditions=source"] : [];

function codeOf(code: string): ProblemCode {
  return code in problems ? (code as ProblemCode) : "run_failed";
}

function withoutToken(text: string, token: string | null): string {
  return token ? text.replaceAll(token, "[secret]") : text;
}
