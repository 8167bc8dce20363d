import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Problem, problems, type ProblemCode } from "@feedback-chat/protocol/problem";
import { publisherLine, type Published, type PublishRequest } from "../core/publish-plan.ts";
import { endingWithUs } from "../platform/ending-with-us.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { NetworkFacts } from "../ports/network.ts";
import type { PublishDeps, Publisher } from "../ports/publisher.ts";
import { runFailure } from "../ports/run-failure.ts";
import { childrenOf } from "../sandboxes/process-table.ts";

type Options = { compiledFolder: string; deadlineSeconds: number; network?: NetworkFacts };

/**
 * Starts the publisher as a process of its own with an empty environment; token and plan go in on stdin. It is killed
 * with the signal, at any point: the next attempt looks and goes on from there. So it is when it has not ended by its
 * deadline: a stopped process would hold its run for ever. `compiledFolder` keeps the compiled program between runs,
 * which halves the start; nobody else may write there.
 */
export function openPublisherChild(options: Options): Publisher {
  const { deadlineSeconds, network } = options;
  const child = startChild(options);
  return {
    publish: (deps, request) => {
      const plan = { ...request, ...(network ? { network } : {}) };
      return publishIn(child, deps, { plan, deadlineSeconds });
    },
    async [Symbol.asyncDispose]() {
      endPublisher(child);
      await child;
    },
  };
}

type Child = ReturnType<typeof startChild>;

function startChild({ compiledFolder, network }: Options) {
  const ownCertificatesFile = network?.ownCertificatesFile ?? null;
  // It dies with us, also stopped: nobody would be left to end it.
  return execa(...endingWithUs(process.execPath, [...nodeOptions, entry]), {
    cwd: "/",
    extendEnv: false,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      NODE_COMPILE_CACHE: compiledFolder,
      ...(ownCertificatesFile === null ? {} : { NODE_EXTRA_CA_CERTS: ownCertificatesFile }),
    },
    stdin: "pipe",
    maxBuffer: 1024 * 1024,
    reject: false,
  });
}

type Work = { plan: PublishRequest; deadlineSeconds: number };

/** @throws Problem as `publishRun`; `github_unavailable` at the deadline */
async function publishIn(child: Child, deps: PublishDeps, { plan, deadlineSeconds }: Work): Promise<Published> {
  const { onStep, confirmPermit } = deps;
  const late = new AbortController();
  const signal = AbortSignal.any([deps.signal, late.signal]);
  signal.throwIfAborted();
  // Its stdin stays open: the end of it, also by our own death, ends the publisher and its git.
  child.stdin.write(`${JSON.stringify(plan)}\n`);
  const stop = () => endPublisher(child);
  signal.addEventListener("abort", stop, { once: true });
  const deadline = setTimeout(() => late.abort(tooLate(deadlineSeconds)), deadlineSeconds * 1_000);
  try {
    let last: Published | Problem | null = null;
    for await (const line of child.iterable()) {
      const said = publisherLine.parse(JSON.parse(line));
      if (said.type === "step") onStep(said.step);
      else if (said.type === "ask") {
        // The loop itself would wait for the publisher's end.
        await orAborted(signal, confirmPermit()).catch((error: unknown) => {
          stop();
          throw error;
        });
        child.stdin.write("yes\n");
      } else
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
    clearTimeout(deadline);
    signal.removeEventListener("abort", stop);
    // It has ended, or we leave it with an error of our own.
    stop();
  }
}

function orAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", onAbort));
}

function tooLate(seconds: number): Problem {
  return runFailure("github_unavailable", `Publishing did not end within ${seconds} s.`, {
    next: "Retry: what was pushed by then is found, and nothing is done twice.",
    isRetryable: true,
  });
}

/** SIGKILL for the publisher and its git, stopped ones too. First it is stopped, so that it starts no further git. */
function endPublisher({ nodeChildProcess: { pid, exitCode, signalCode } }: Child): void {
  // Once it has ended, its number may be another process's.
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  signalIfThere(pid, "SIGSTOP");
  // Each git leads a group of its own, of which its helpers are.
  for (const git of childrenOf(pid)) signalIfThere(-git, "SIGKILL");
  signalIfThere(pid, "SIGKILL");
}

function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    ignoring("ESRCH")(error);
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
