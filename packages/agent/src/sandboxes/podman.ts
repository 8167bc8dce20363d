import { execa } from "execa";
import { Problem } from "@feedback-chat/protocol/problem";
import type { JobName, Sandbox, SandboxFacts, SandboxJob } from "../ports/sandbox.ts";
import { limitMechanisms } from "./bubblewrap.ts";
import { layeringOnce, type LayeringOnce } from "./find-layering.ts";
import { makeRoot, sweepJobFolders } from "./job-folders.ts";
import { lowestUid, openSandboxJob, requireLinux, runNothing, type JobDeps } from "./open-job.ts";
import { podmanFailed, runInContainer, sweepRuns } from "./run-in-container.ts";

export type PodmanDeps = JobDeps & {
  /** Default: found by the system on its own search path. */
  podmanPath?: string;
};

/**
 * The same walls by a rootless container, for machines without bubblewrap. No image: its system is the host's own,
 * read-only. Measured: 0.6 s a start.
 */
export function podman(machine: PodmanDeps): Sandbox {
  const deps = { ...machine, layering: layeringOnce(["user"]) };
  return {
    id: "container",
    probe: () => probe(deps),
    open: (job) => openJob(deps, job),
    async sweep() {
      await makeRoot(deps);
      return { removed: [...(await sweepJobFolders(deps)), ...(await sweepRuns(deps))] };
    },
  };
}

type Deps = PodmanDeps & { layering: LayeringOnce };

async function openJob(deps: Deps, job: JobName): Promise<SandboxJob> {
  requireLinux();
  return openSandboxJob(deps, job, (place) => (spec) => runInContainer(deps, place, spec));
}

async function probe(deps: Deps): Promise<SandboxFacts> {
  requireLinux();
  const version = await versionOf(deps.podmanPath ?? "podman");
  await using job = await openJob(deps, { name: "probe", slot: 900 });
  const ended = await runNothing(job);
  if (ended.exitCode !== 0) throw podmanFailed(ended.detail, ended.exitCode);
  const layers = await deps.layering.told();
  return { mechanism: "container", version, runsAs: lowestUid(deps), limits: limitMechanisms, layers };
}

async function versionOf(podmanPath: string): Promise<string> {
  const asked = await execa(podmanPath, ["--version"], { env: {}, extendEnv: false, reject: false, timeout: 20_000 });
  const version = asked.exitCode === 0 ? (/\d+\.\d+\.\d+/.exec(asked.stdout)?.[0] ?? "") : "";
  const next = "Install it: `apt-get install -y podman crun`.";
  if (version === "") throw new Problem("sandbox_unavailable", "podman is not installed on this machine.", { next });
  if (Number.parseInt(version, 10) < 4)
    throw new Problem("sandbox_unavailable", `podman ${version} is older than 4.0.`, { next });
  return version;
}
