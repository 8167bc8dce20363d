import type { SandboxJob, SandboxLimits, SandboxSpec } from "../ports/sandbox.ts";

export const tryLimits: SandboxLimits = {
  wallSeconds: 30,
  memoryBytes: 2 * 1024 ** 3,
  processes: 256,
  fileBytes: 64e6,
  scratchBytes: 64e6,
};

type Tried = { output: string; end: Awaited<ReturnType<SandboxJob["run"]>["ended"]> };

/** Runs one command of the self-test to its end and keeps what it said. */
export async function runTry(job: SandboxJob, spec: Partial<SandboxSpec>): Promise<Tried> {
  const started = job.run(specFor(spec));
  const [output, , end] = await Promise.all([readAll(started.stdout), readAll(started.stderr), started.ended]);
  return { output, end };
}

/** What a try does not name. */
export function specFor(spec: Partial<SandboxSpec>): SandboxSpec {
  return {
    argv: [],
    env: {},
    stdin: "",
    readOnlyMounts: [],
    limits: tryLimits,
    signal: new AbortController().signal,
    ...spec,
  };
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) if (text.length < 1e6) text += Buffer.from(chunk).toString("utf8");
  return text;
}
