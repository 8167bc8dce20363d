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
   * more. What was started and is not wanted is ended. What did not pass beside the agent is run again alone: a base
   * that only lacked processor time excuses no change.
   */
  judge(chains: CheckChain[], within: { endsAtMs: number }): Promise<Judged[]>[];
};

type Seen = { judged: Judged[]; wasBesideAgent: boolean };
type Started = { stop: AbortController; seen: Promise<Seen> };

/**
 * The base's checks need nothing of the change, so that they run while the agent works: one after the other, each
 * folder's in a sandbox of its own that the agent does not reach.
 */
export function startBaseChecks(deps: ChainDeps, input: BaseChecksInput): BaseChecks {
  const { clock } = deps;
  const started = new Map<string, Started>();
  let endsAtMs = clock.monotonicMs() + input.totalSeconds * 1000;
  let isBesideAgent = true;
  let count = 0;
  let last: Promise<unknown> = Promise.resolve();
  const over = new AbortController();

  function start(chain: CheckChain, earlier: Judged[] | null = null): Started {
    const stop = new AbortController();
    const signal = AbortSignal.any([deps.signal, over.signal, stop.signal]);
    const before = last;
    const seen = (async () => {
      await before;
      signal.throwIfAborted();
      return look({ ...deps, signal }, chain, earlier);
    })();
    last = Promise.allSettled([seen]);
    const entry = { stop, seen };
    started.set(keyOf(chain), entry);
    return entry;
  }

  async function look(own: ChainDeps, chain: CheckChain, earlier: Judged[] | null): Promise<Seen> {
    const { repository, layers, job, limits, kept } = input;
    const known = await readKeptChecks(own, kept, { repository, layers, chain, limits });
    if (known) return { judged: known, wasBesideAgent: false };
    const wasBesideAgent = isBesideAgent;
    const index = (count += 1);
    await using sandbox = await openSide(own, repository, {
      treeish: repository.baseSha,
      files: [],
      job: { name: `${job.name}-base-${index}`, slot: job.slot, userOf: layers.owner },
    });
    const judged = await runChain(own, sandbox, { side: "base", chain, layers, limits, endsAtMs: () => endsAtMs });
    if (!wasBesideAgent || hasPassed(judged))
      await keepChecks(own, kept, { repository, layers, chain, limits, results: judged, earlier });
    return { judged, wasBesideAgent };
  }

  async function judgeAlone(chain: CheckChain): Promise<Judged[]> {
    const { judged, wasBesideAgent } = await (started.get(keyOf(chain)) ?? start(chain)).seen;
    if (!wasBesideAgent || hasPassed(judged)) return judged;
    deps.log("info", "What did not pass on the base beside the agent is run again alone.");
    return (await start(chain, judged).seen).judged;
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
      const results = chains.map(judgeAlone);
      // Whoever gives up at the first one's failure leaves no rejection of another that nobody sees.
      void Promise.allSettled(results);
      return results;
    },
    async [Symbol.asyncDispose]() {
      over.abort(new Error("the run is over"));
      await last;
    },
  };
}

function hasPassed(judged: Judged[]): boolean {
  return judged.every(({ side }) => side.outcome === "passed");
}

function keyOf({ folder, checks }: CheckChain): string {
  return JSON.stringify([folder, checks.map(({ command }) => command)]);
}
