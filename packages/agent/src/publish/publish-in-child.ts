import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Problem, problems, type ProblemCode } from "@feedback-chat/protocol/problem";
import { publisherLine, type Published, type PublishRequest } from "../core/publish-plan.ts";
import type { Publish, Publisher } from "../ports/publisher.ts";

/**
 * Starts the publisher as a process of its own with an empty environment; token and plan go in on stdin. It ends with
 * the signal, at any point: the next attempt looks and goes on from there. `compiledFolder` keeps the compiled program
 * between runs, which halves the start; nobody else may write there.
 */
export function openPublisherChild({ compiledFolder }: { compiledFolder: string }): Publisher {
  const child = startChild(compiledFolder);
  return {
    publish: (deps, plan) => publishIn(child, deps, plan),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child;
    },
  };
}

type Child = ReturnType<typeof startChild>;

function startChild(compiledFolder: string) {
  return execa(process.execPath, [...nodeOptions, entry], {
    cwd: "/",
    extendEnv: false,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      NODE_COMPILE_CACHE: compiledFolder,
    },
    stdin: "pipe",
    maxBuffer: 1024 * 1024,
    reject: false,
  });
}

/** @throws Problem as `publishRun`. */
async function publishIn(child: Child, { signal, onStep }: Parameters<Publish>[0], plan: PublishRequest) {
  signal.throwIfAborted();
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
