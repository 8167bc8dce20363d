import * as z from "zod";
import type { RegistryHost } from "../ports/registry.ts";

const lockfile = z.object({
  lockfileVersion: z.int(),
  packages: z
    .record(z.string(), z.object({ resolved: z.string().optional(), link: z.boolean().optional() }))
    .optional(),
});

/** The hosts that npm's lockfile names, or why it cannot be used. */
export function hostsOfLockfile(text: string): { hosts: RegistryHost[] } | { problem: string } {
  const parsed = lockfile.safeParse(JSON.parse(text));
  if (!parsed.success || !parsed.data.packages)
    return {
      problem: "package-lock.json has a form that is not supported (lockfileVersion 2 or 3 is)",
    };
  const hosts = new Map<string, RegistryHost>();
  for (const [name, { resolved, link }] of Object.entries(parsed.data.packages)) {
    if (!resolved || link === true || resolved.startsWith("file:")) continue;
    const url = URL.canParse(resolved) ? new URL(resolved) : null;
    if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
      return { problem: `${name} comes from something else than a registry` };
    hosts.set(url.origin, {
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
    });
  }
  return { hosts: [...hosts.values()] };
}

/** Settings of a repository's .npmrc that decide what is installed; never where from, nor with which credential. */
const kept = new Set(["legacy-peer-deps", "strict-peer-deps", "install-links", "install-strategy", "force"]);

export function harmlessNpmrc(text: string): string {
  const lines = text
    .split(/\r?\n/)
    .filter((line) => kept.has((line.split("=")[0] ?? "").trim()) && !line.includes("$"));
  return lines.map((line) => `${line}\n`).join("");
}
