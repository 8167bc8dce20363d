import type { Manifest, Packed } from "./pack-packages.ts";

const mebibyte = 1024 * 1024;
const installScripts = ["preinstall", "install", "postinstall", "prepare"];

/** What the light front promises (cli.md, 6): small, and nothing to install beside it. */
export const cliBudget = { packedBytes: mebibyte, unpackedBytes: 4 * mebibyte };

/** What is wrong with one tarball, as sentences; nothing when it may be published. */
export function judgeTarball(packed: Packed, manifest: Manifest): string[] {
  const wrong = [];
  const text = JSON.stringify(manifest.exports ?? {});
  if (text.includes('"source"'))
    wrong.push("exports carry the `source` condition, which points into files that are not there");
  if (JSON.stringify(manifest.dependencies ?? {}).includes("workspace:"))
    wrong.push("a dependency still says workspace:");
  for (const name of installScripts) {
    if (manifest.scripts?.[name]) wrong.push(`has a script ${name}, which would run at install`);
  }
  if (manifest.name === "feedback-chat") wrong.push(...judgeCli(packed, manifest));
  return wrong.map((sentence) => `${manifest.name} ${sentence}`);
}

function judgeCli(packed: Packed, manifest: Manifest): string[] {
  const wrong = [];
  const dependencies = Object.keys(manifest.dependencies ?? {});
  if (dependencies.length > 0) wrong.push(`has production dependencies: ${dependencies.join(", ")}`);
  for (const size of ["packedBytes", "unpackedBytes"] as const) {
    if (packed[size] > cliBudget[size]) wrong.push(`${size} ${packed[size]}, allowed ${cliBudget[size]}`);
  }
  return wrong;
}

/**
 * Every entry a reader can import, with `*` filled in from the files that are there: attw does not look behind a star.
 * Chunks that entries share are not meant to be imported.
 */
export function entryPoints(manifest: Manifest, files: readonly string[]): string[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
    if (typeof target !== "object" || target === null || !("default" in target)) return [];
    if (!entry.includes("*")) return [entry];
    const [before = "", after = ""] = String(target.default).replace("./", "").split("*");
    const matching = files.filter(
      (file) => file.startsWith(before) && file.endsWith(after) && !/(^|\/)chunk-/.test(file),
    );
    return matching.map((file) => entry.replace("*", file.slice(before.length, file.length - after.length)));
  });
}
