import { major, maxSatisfying, minVersion, satisfies, validRange } from "semver";
import * as z from "zod";
import type { NodeRelease } from "./node-releases.ts";

/** Which Node a project asks for, in its own words, and where it says so: `package.json engines.node`. */
export type WantedNode = { text: string; source: string };

/** `note` = why the version is not one that the project asks for; null when it is. */
export type NodeChoice =
  | { use: "ours"; note: string | null }
  | { use: "release"; release: NodeRelease; note: string | null };

const packageJson = z.object({
  engines: z.object({ node: z.string() }).partial().optional().catch(undefined),
  volta: z.object({ node: z.string() }).partial().optional().catch(undefined),
  devEngines: z.object({ runtime: z.unknown() }).partial().optional().catch(undefined),
});
const runtime = z.object({ name: z.literal("node"), version: z.string() });

/** The Node that the files of one folder ask for: the first of `.nvmrc`, `.node-version` and package.json's members. */
export function wantedNode(files: {
  nvmrc: string | null;
  nodeVersion: string | null;
  packageJson: unknown;
}): WantedNode | null {
  const { engines, volta, devEngines } = packageJson.safeParse(files.packageJson).data ?? {};
  const runtimes = Array.isArray(devEngines?.runtime) ? devEngines.runtime : [devEngines?.runtime];
  const found: [string, string | undefined][] = [
    [".nvmrc", firstLine(files.nvmrc)],
    [".node-version", firstLine(files.nodeVersion)],
    ["engines.node", engines?.node],
    ["volta.node", volta?.node],
    ["devEngines.runtime", runtimes.flatMap((each) => runtime.safeParse(each).data?.version ?? [])[0]],
  ];
  for (const [source, text] of found) if (text?.trim()) return { text: text.trim().slice(0, maxChars), source };
  return null;
}

const maxChars = 100;

function firstLine(text: string | null): string | undefined {
  return text
    ?.split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .find((line) => line !== "");
}

/**
 * Ours where it is one that the project asks for, else the newest release that is. Where there is none, one of the same
 * major that is newer; where there is none either, ours.
 */
export function chooseNode(wanted: WantedNode, ours: string, releases: readonly NodeRelease[]): NodeChoice {
  const range = rangeOf(wanted.text, releases);
  if (range === null) return { use: "ours", note: told(wanted, ours, `"${wanted.text}" names no version.`) };
  const fitting = pick(range, ours, releases);
  if (fitting) return { ...fitting, note: null };
  const least = minVersion(range)?.version ?? null;
  const near = least === null ? null : pick(`^${least}`, ours, releases);
  const majors = releases.map(({ version }) => major(version)).join(", ");
  if (near === null || least === null || major(least) === 0)
    return { use: "ours", note: told(wanted, ours, `Workers can fetch Node ${majors}, the newest of each.`) };
  const used = near.use === "ours" ? ours : near.release.version;
  return { ...near, note: told(wanted, used, "Of a major, workers can fetch the newest release only.") };
}

/** What the evidence says of a run whose Node is not the one that the project asks for. */
export function told({ text, source }: WantedNode, used: string, why: string): string {
  return `The project wants Node ${text} (${source}); this run used Node ${used}. ${why}`;
}

type Picked = { use: "ours" } | { use: "release"; release: NodeRelease };

function pick(range: string, ours: string, releases: readonly NodeRelease[]): Picked | null {
  if (satisfies(ours, range)) return { use: "ours" };
  const best = maxSatisfying(
    releases.map(({ version }) => version),
    range,
  );
  const release = releases.find(({ version }) => version === best);
  return release ? { use: "release", release } : null;
}

/** nvm's names for versions, as ranges of their majors; null for what names none. */
function rangeOf(text: string, releases: readonly NodeRelease[]): string | null {
  const lines = releases.filter(({ lts }) => lts !== null).toReversed();
  const back = /^lts\/-(\d)$/.exec(text)?.[1];
  const name = text.toLowerCase();
  const line =
    name === "lts/*" || name === "lts"
      ? lines[0]
      : back !== undefined
        ? lines[Number(back)]
        : ["node", "stable", "latest", "current"].includes(name)
          ? releases.at(-1)
          : releases.find(({ lts }) => lts !== null && name === `lts/${lts}`);
  return line ? `${major(line.version)}` : validRange(text);
}
