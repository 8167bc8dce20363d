import type { CheckChain } from "../core/choose-checks.ts";
import type { RunRepository } from "../ports/git.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import type { Layers } from "./deps.ts";
import { keepChecks, readKeptChecks, type KeptChecks } from "./kept-checks.ts";
import type { Judged } from "./run-check.ts";
import { openSide, runChain, type ChainDeps } from "./run-chain.ts";

export type BaseChecksInput = {
  repository: RunRepository;
  layers: Layers;
  /** Started at once, beside the agent; none where the machine has no room for both. */
  likely: CheckChain[];
  /** What earlier runs found out about this base. */
  kept: KeptChecks;
  /** Name and slot of the sandbox jobs; each chain's name is made different. */
  job: { name: string; slot: number };
  limits: SandboxLimits;
  totalSeconds: number;
};

/** What the checks come to on the base commit. Closing ends what still runs. */
export type BaseChecks = AsyncDisposable & {
  /**
   * Results in the order of `chains`: known from an earlier run, started before, or run now. No agent may run any
   * more. What was started and is not wanted is ended.
   */
  judge(chains: CheckChain[], within: { endsAtMs: number }): Promise<Judged[]>[];
};

type Started = { chain: CheckChain; stop: AbortController; result: Promise<Judged[]> };

/**
 * The base's checks need nothing of the change, so that they run while the agent works: one after the other, each
 * folder's in a sandbox of its own that the agent does not reach.
 */
export function startBaseChecks(deps: ChainDeps, input: BaseChecksInput): BaseChecks {
  const { clock } = deps;
  const started = new Map<string, Started>();
  let endsAtMs = clock.monotonicMs() + input.totalSeconds * 1000;
  let isBesideAgent = true;
  let last: Promise<unknown> = Promise.resolve();

  function start(chain: CheckChain): Started {
    const stop = new AbortController();
    const signal = AbortSignal.any([deps.signal, stop.signal]);
    const before = last;
    const result = (async () => {
      await before;
      signal.throwIfAborted();
      return judgeChain({ ...deps, signal }, chain, started.size);
    })();
    last = Promise.allSettled([result]);
    const entry = { chain, stop, result };
    started.set(keyOf(chain), entry);
    return entry;
  }

  async function judgeChain(own: ChainDeps, chain: CheckChain, index: number): Promise<Judged[]> {
    const { repository, layers, job, limits, kept } = input;
    const known = await readKeptChecks(own, kept, { repository, layers, chain, limits });
    if (known) return known;
    const wasBesideAgent = isBesideAgent;
    await using sandbox = await openSide(own, repository, {
      treeish: repository.baseSha,
      files: [],
      job: { name: `${job.name}-base-${index}`, slot: job.slot, userOf: layers.owner },
    });
    const results = await runChain(own, sandbox, { side: "base", chain, layers, limits, endsAtMs: () => endsAtMs });
    await keepChecks(own, kept, { repository, layers, chain, limits, results, wasBesideAgent });
    return results;
  }

  if (input.layers.isBuilt) for (const chain of input.likely) start(chain);
  return {
    judge(chains, within) {
      isBesideAgent = false;
      endsAtMs = within.endsAtMs;
      const wanted = new Set(chains.map(keyOf));
      for (const [key, { stop }] of started) {
        if (wanted.has(key)) continue;
        stop.abort(new Error("these checks do not judge the change"));
        started.delete(key);
      }
      return chains.map((chain) => (started.get(keyOf(chain)) ?? start(chain)).result);
    },
    async [Symbol.asyncDispose]() {
      for (const { stop } of started.values()) stop.abort(new Error("the run is over"));
      await last;
    },
  };
}

function keyOf({ folder, checks }: CheckChain): string {
  return JSON.stringify([folder, checks.map(({ command }) => command)]);
}
