import { openRegistryProxy, type RegistryProxyInput } from "../src/proxy/registry-proxy.ts";
import type { ProjectNodes } from "../src/ports/project-nodes.ts";
import { findNpm } from "../src/sandboxes/install-tools.ts";
import { prepareDependencies } from "../src/stages/deps.ts";
import { makeRepository, type Content, type TestFolder } from "./git/make-repository.ts";
import { openClone } from "./git/open-clone.ts";
import { openSandbox } from "./open-sandbox.ts";

type Options = {
  allowsPrivateRegistry?: boolean;
  subFolder?: string;
  installScripts?: string[];
  network?: RegistryProxyInput["network"];
  projectNodes?: ProjectNodes;
};

/** The layers of a repository with these files, made in a real sandbox through the real proxy. */
export async function openLayers(
  folder: TestFolder,
  files: Record<string, Content>,
  { allowsPrivateRegistry = true, subFolder = "", installScripts = [], network, projectNodes }: Options = {},
) {
  const origin = makeRepository(folder);
  origin.commit(files);
  const repository = await openClone(folder, origin);
  const npmFolder = await findNpm({ nodePath: process.execPath, searchPath: process.env["PATH"] ?? "" });
  const opened = await openSandbox({ npmFolder });
  const layers = await prepareDependencies(
    {
      sandbox: opened.sandbox,
      openRegistry: (input) => openRegistryProxy({ ...input, ...(network ? { network } : {}) }),
      projectNodes: projectNodes ?? null,
      signal: new AbortController().signal,
      log: () => {},
    },
    { repository, settings: { subFolder, installScripts }, job: { name: "job-deps", slot: 1 }, allowsPrivateRegistry },
  );
  return {
    layers,
    repository,
    sandbox: opened.sandbox,
    async [Symbol.asyncDispose]() {
      await layers[Symbol.asyncDispose]();
      await repository[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
    },
  };
}
