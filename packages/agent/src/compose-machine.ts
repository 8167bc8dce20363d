import type { Dispatcher } from "undici";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { LeasedJob } from "@feedback-chat/protocol/job";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { MachineConfig } from "./config.ts";
import { nodeReleases } from "./core/node-releases.ts";
import { openedRegistries } from "./core/opened-registries.ts";
import { claudeCode } from "./engines/claude-code.ts";
import { commandEngine } from "./engines/command.ts";
import { openNetwork } from "./platform/open-network.ts";
import type { NetworkFacts } from "./ports/network.ts";
import { requirePrice } from "./require-price.ts";
import type { Clock } from "./ports/clock.ts";
import type { Engine } from "./ports/engine.ts";
import type { ModelAccess, OpenModel } from "./ports/model-access.ts";
import type { ProjectNodes } from "./ports/project-nodes.ts";
import type { OpenPublisher } from "./ports/publisher.ts";
import type { OpenRegistry } from "./ports/registry.ts";
import type { Sandbox } from "./ports/sandbox.ts";
import { openRegistryProxy } from "./proxy/registry-proxy.ts";
import { startModelProxy, type ProxyEnd } from "./proxy/start-model-proxy.ts";
import { openPublisherChild } from "./publish/publish-in-child.ts";
import { bubblewrap, machineUidFolder } from "./sandboxes/bubblewrap.ts";
import { chooseSandbox } from "./sandboxes/choose-sandbox.ts";
import { findNpm } from "./sandboxes/install-tools.ts";
import type { JobDeps } from "./sandboxes/open-job.ts";
import { podman } from "./sandboxes/podman.ts";
import { projectNodes } from "./sandboxes/project-nodes.ts";
import { requireWalls, selfTest, type SelfTest } from "./sandboxes/self-test.ts";

/** The parts that every run on this machine needs, put together once. */
export type Machine = AsyncDisposable & {
  sandbox: Sandbox;
  openModel: OpenModel;
  openRegistry: OpenRegistry;
  projectNodes: ProjectNodes;
  openPublisher: OpenPublisher;
  networkFacts: NetworkFacts;
  /** Through the machine's proxies. */
  fetch: typeof fetch;
  engineFor(settings: LeasedJob["settings"]): Engine;
  engineIds: string[];
  /** That a model's price is known. @throws Problem price_unknown */
  requirePrice(settings: Pick<LeasedJob["settings"], "model" | "prices">): void;
  /** That the walls can be built. @throws Problem sandbox_unavailable */
  probe(): Promise<void>;
  /** That they hold. @throws Problem sandbox_unavailable, sandbox_leaks, engine_missing: nothing may run here. */
  selfTest(): Promise<{ sandbox: string }>;
  /** What `selfTest` finds, told instead of thrown. @throws Problem sandbox_unavailable */
  tryWalls(): Promise<SelfTest>;
  /** Whether there is a processor and so much memory for something beside an agent. */
  hasRoomBeside(memoryBytes: number): boolean;
  /** Mirrors of all repositories, kept between runs. */
  cacheFolder: string;
  /** What checks came to on base commits, kept between runs. */
  checksFolder: string;
};

export async function composeMachine({ clock }: { clock: Clock }, config: MachineConfig): Promise<Machine> {
  const { dataFolder: rootFolder, searchPath } = config;
  const network = await openNetwork(config);
  const npmFolder = await findNpm({ nodePath: process.execPath, searchPath });
  const sandbox = sandboxOf(
    {
      rootFolder,
      userId: process.getuid?.() ?? 1000,
      nodePath: process.execPath,
      npmFolder,
      uidFolder: machineUidFolder,
    },
    config,
  );
  const claude = claudeCode({
    clock,
    rootFolder,
    enginePath: config.enginePath,
    searchPath,
    cacheFolder: join(rootFolder, "tools"),
    fetchEngine: null,
  });
  const tryWalls = (engine: Engine | null) => selfTest({ sandbox, tempFolder: tmpdir(), engine });
  return {
    sandbox,
    openModel: openModelWith({ clock, dispatcher: network.dispatcher }, config),
    openRegistry: (input) =>
      openRegistryProxy({ ...input, opened: openedRegistries(config.registryAllow), network: network.facts }),
    projectNodes: projectNodes({
      fetch: network.fetch,
      rootFolder,
      searchPath,
      registry: "https://registry.npmjs.org/",
      releases: nodeReleases,
    }),
    openPublisher: () =>
      openPublisherChild({
        compiledFolder: join(rootFolder, "compiled"),
        deadlineSeconds: publishingSeconds,
        network: network.facts,
      }),
    engineFor({ engine, engineCommand }) {
      const argv = config.engineCommand ?? (engine === "command" ? engineCommand : null);
      return argv ? commandEngine({ clock, argv }) : claude;
    },
    requirePrice: (settings) => void requirePrice(settings, config.prices),
    probe: async () => void (await sandbox.probe()),
    async selfTest() {
      const engine = config.engineCommand ? null : claude;
      await engine?.prepare();
      const test = await tryWalls(engine);
      requireWalls(test);
      return { sandbox: test.facts.mechanism };
    },
    tryWalls: async () => tryWalls(config.engineCommand || !(await isInstalled(claude)) ? null : claude),
    networkFacts: network.facts,
    fetch: network.fetch,
    engineIds: ["claude-code", "command"],
    hasRoomBeside: (memoryBytes) => availableParallelism() > 1 && process.availableMemory() > memoryBytes,
    cacheFolder: join(rootFolder, "mirrors"),
    checksFolder: join(rootFolder, "base-checks"),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

/** A little more than the publisher gives itself, and less than the server gives it. */
const publishingSeconds = 14 * 60;

/** Who names bubblewrap's program alone means that one: it is no reason for a container that it is missing. */
function sandboxOf(deps: JobDeps, { sandbox, bwrapPath, podmanPath }: MachineConfig): Sandbox {
  const first = bubblewrap({ ...deps, ...(bwrapPath === null ? {} : { bwrapPath }) });
  const second = podman({ ...deps, ...(podmanPath === null ? {} : { podmanPath }) });
  if (sandbox === "container") return second;
  const isFirstAlone = sandbox === "bubblewrap" || (bwrapPath !== null && podmanPath === null);
  return isFirstAlone ? first : chooseSandbox([first, second]);
}

async function isInstalled(engine: Engine): Promise<boolean> {
  try {
    await engine.prepare();
    return true;
  } catch (error) {
    if (isProblem(error, "engine_missing")) return false;
    throw error;
  }
}

/** Fits our proxy to the port: the run's ceiling, the coordinator's reservations, the log. */
function openModelWith(
  { clock, dispatcher }: { clock: Clock; dispatcher: Dispatcher },
  { modelUrl, modelAuth, prices }: Pick<MachineConfig, "modelUrl" | "modelAuth" | "prices">,
): OpenModel {
  return async (input): Promise<ModelAccess> => {
    const { reserve, settle, log, key } = input;
    const price = requirePrice(input, prices);
    const proxy = await startModelProxy(
      {
        clock,
        dispatcher,
        spend: { reserve, settle },
        onRequest: (facts) =>
          log(
            "debug",
            `Model ${facts.model}: ${facts.outcome} ${facts.status} in ${facts.latencyMs} ms, ${facts.inputTokens} + ${facts.outputTokens} tokens. ${facts.detail}`.trim(),
          ),
        onFailure: (error) =>
          log("error", `The model's proxy could not answer: ${error instanceof Error ? error.message : String(error)}`),
      },
      {
        socketPath: input.socketPath,
        baseUrl: modelUrl,
        credential: modelAuth === "bearer" && key.type === "anthropic_api_key" ? { ...key, type: "bearer_token" } : key,
        models: { [input.model]: price },
        budgetMicroUsd: input.ceilingMicroUsd,
        wallSeconds: input.wallSeconds,
      },
    );
    return {
      close: async () => {
        await proxy.close();
        return proxy.totals();
      },
      turns: proxy.turns,
      refusal: () => refusalOf(proxy.state.ended),
      whenRefused: proxy.whenEnded,
      [Symbol.asyncDispose]: proxy.close,
    };
  };
}

function refusalOf(end: ProxyEnd | null): ReturnType<ModelAccess["refusal"]> {
  return (
    end && {
      code: end.scope === "day" ? "day_budget" : end.reason,
      detail: end.detail,
      isPassing: end.isPassing ?? false,
    }
  );
}
