import * as z from "zod";
import type { RegistryHost } from "../ports/registry.ts";

const lockfile = z.object({
  lockfileVersion: z.int(),
  packages: z
    .record(z.string(), z.object({ resolved: z.string().optional(), link: z.boolean().optional() }))
    .optional(),
});

export type Hosts = { hosts: RegistryHost[] } | { problem: string };

/** The hosts that npm's lockfile names, or why it cannot be used. */
export function hostsOfLockfile(text: string): Hosts {
  const parsed = lockfile.safeParse(JSON.parse(text));
  if (!parsed.success || !parsed.data.packages)
    return {
      problem: "package-lock.json has a form that is not supported (lockfileVersion 2 or 3 is)",
    };
  const sources = Object.entries(parsed.data.packages).flatMap(([name, { resolved, link }]) =>
    !resolved || link === true || resolved.startsWith("file:") ? [] : [{ name, url: resolved }],
  );
  return hostsOf(sources);
}

/**
 * The hosts that pnpm's lockfile names besides its registry. pnpm writes the file, one package a line: what is read
 * past here is refused by the proxy.
 */
export function hostsOfPnpmLockfile(text: string): Hosts {
  const sources = [...text.matchAll(/^ *resolution: \{(.*)\}$/gm)].map(([, resolution = ""]) => ({
    name: resolution.slice(0, 80),
    url: /\btype: git\b/.test(resolution) ? "git:" : /\btarball: ['"]?([^,}\s'"]+)/.exec(resolution)?.[1],
  }));
  return hostsOf(sources.filter(({ url }) => url !== undefined && !url.startsWith("file:")));
}

/** Of pnpm's lockfile, such as "9.0"; null when it is none. */
export function pnpmLockfileVersion(text: string): string | null {
  return /^lockfileVersion: ['"]?(\d+\.\d+)['"]?$/m.exec(text)?.[1] ?? null;
}

/** The hosts that the lockfile of yarn 1 names, or why it cannot be used. */
export function hostsOfYarnLockfile(text: string): Hosts {
  if (!/^# yarn lockfile v1$/m.test(text))
    return { problem: "yarn.lock has a form that is not supported (that of yarn 1 is)" };
  const sources = [...text.matchAll(/^ {2}resolved "?([^"\s]+)"?$/gm)].map(([, url = ""]) => ({ name: url, url }));
  return hostsOf(sources.filter(({ url }) => !url.startsWith("file:")));
}

function hostsOf(sources: { name: string; url: string | undefined }[]): Hosts {
  const hosts = new Map<string, RegistryHost>();
  for (const { name, url } of sources) {
    const host = hostOf(url ?? "");
    if (host === null) return { problem: `${name} comes from something else than a registry` };
    hosts.set(`${host.protocol}//${host.hostname}:${host.port}`, host);
  }
  return { hosts: [...hosts.values()] };
}

export function hostOf(address: string): RegistryHost | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
  };
}
