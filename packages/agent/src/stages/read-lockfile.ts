import * as z from "zod";
import type { RegistryHost } from "../ports/registry.ts";

const npmLock = z.object({
  lockfileVersion: z.int(),
  packages: z
    .record(
      z.string(),
      z.object({
        resolved: z.string().optional(),
        link: z.boolean().optional(),
        inBundle: z.boolean().optional(),
        version: z.string().optional(),
      }),
    )
    .optional(),
});

/** What a lockfile says about where packages come from, or why it cannot be used. */
export type Locked = { hosts: RegistryHost[] } | { problem: string };

/** The hosts that npm's lockfile (v2, v3) names. `file` is its name, for problems. */
export function readNpmLockfile(text: string, file: string): Locked {
  const json = jsonOf(text);
  if (json === undefined) return { problem: `${file} is not valid JSON. Run \`npm install\` and commit it again.` };
  const parsed = npmLock.safeParse(json);
  if (!parsed.success) return { problem: `${file} is not a lockfile of npm. Run \`npm install\` and commit it again.` };
  const { packages, lockfileVersion } = parsed.data;
  if (!packages)
    return {
      problem: `${file} has lockfileVersion ${lockfileVersion}; 2 and 3 are supported. Run \`npm install\` with npm 7 or newer and commit it.`,
    };
  const installed = Object.entries(packages).filter(
    ([path, { link, inBundle }]) => /(^|\/)node_modules\//.test(path) && link !== true && inBundle !== true,
  );
  const sources = installed.flatMap(([name, { resolved }]) =>
    !resolved || resolved.startsWith("file:") ? [] : [{ name, url: resolved }],
  );
  return locked(file, sources);
}

/**
 * The hosts that pnpm's lockfile names besides its registry. pnpm writes the file, one package a line: what is read
 * past here is refused by the proxy.
 */
export function readPnpmLockfile(text: string): Locked {
  const sources = [...text.matchAll(/^ *resolution: \{(.*)\}$/gm)].map(([, resolution = ""]) => ({
    name: resolution.slice(0, 80),
    url: /\btype: git\b/.test(resolution) ? "git:" : /\btarball: ['"]?([^,}\s'"]+)/.exec(resolution)?.[1],
  }));
  return locked("pnpm-lock.yaml", sources.filter(isNamed));
}

/** Of pnpm's lockfile, such as "9.0"; null when it is none. */
export function pnpmLockfileVersion(text: string): string | null {
  return /^lockfileVersion: ['"]?(\d+\.\d+)['"]?$/m.exec(text)?.[1] ?? null;
}

/** Which yarn wrote it: `"1"`, the form that a later one names, or null when it is no lockfile of yarn. */
export function yarnLockfileVersion(text: string): string | null {
  if (/^# yarn lockfile v1$/m.test(text)) return "1";
  return /^__metadata:\s*\n(?:[ \t]+\w+:.*\n)*?[ \t]+version: ['"]?(\d+)['"]?$/m.exec(text)?.[1] ?? null;
}

export function readYarnLockfile(text: string): Locked {
  const sources = [...text.matchAll(/^ {2}resolved "?([^"\s]+)"?$/gm)].map(([, url = ""]) => ({ name: url, url }));
  return locked("yarn.lock", sources.filter(isNamed));
}

/** Yarn 2 and later write addresses only for what comes from elsewhere than the registry. */
export function readBerryLockfile(text: string): Locked {
  // Run at the install by yarn itself, whatever its settings say of scripts.
  const generator = /^ {2}resolution: "(@?[^@"]+)@(?:[^"]*@)?exec(?::|%(?:25)*3A)/im.exec(text)?.[1];
  if (generator !== undefined)
    return {
      problem: `yarn.lock takes ${generator} from a generator of the repository (exec:), which would run at the install. Publish what it makes as a package, or commit it and use a file: address.`,
    };
  const sources = [...text.matchAll(/^ {2}resolution: "(@?[^@"]+)@([^"]+)"$/gm)].flatMap(([, name = "", from = ""]) => {
    const archive = /[:&]__archiveUrl=([^&"]+)/.exec(from)?.[1];
    if (archive !== undefined) return [{ name, url: decoded(archive) }];
    // A patch is a file of the repository over a package that has its own entry.
    return /^(npm|workspace|portal|link|file|patch|virtual):/.test(from) ? [] : [{ name, url: from }];
  });
  return locked("yarn.lock", sources);
}

const bunLock = z.object({
  lockfileVersion: z.int(),
  packages: z.record(z.string(), z.tuple([z.string()], z.unknown())).optional(),
});

/** bun.lock is JSON with commas before closing brackets. Its second item is an address, or "" for the registry. */
export function readBunLockfile(text: string): Locked {
  const strict = text.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, "$1");
  const parsed = bunLock.safeParse(jsonOf(strict));
  if (!parsed.success) return { problem: "bun.lock is not a lockfile of bun. Run `bun install` and commit it again." };
  const sources = Object.values(parsed.data.packages ?? {}).flatMap(([id, where]) => {
    const [, from = ""] = /^@?[^@]+@(.+)$/.exec(id) ?? [];
    if (/^(workspace|link|file|root):/.test(from)) return [];
    if (/^(git|github:|git\+)|\.git(#|$)/.test(from)) return [{ name: id, url: "git:" }];
    if (/^https?:/.test(from)) return [{ name: id, url: from }];
    return typeof where === "string" && where !== "" ? [{ name: id, url: where }] : [];
  });
  return locked("bun.lock", sources);
}

type Source = { name: string; url: string };

function isNamed(source: { name: string; url: string | undefined }): source is Source {
  return source.url !== undefined && !source.url.startsWith("file:");
}

function locked(file: string, sources: Source[]): Locked {
  const hosts = new Map<string, RegistryHost>();
  for (const { name, url } of sources) {
    const host = isGit(url) ? null : hostOf(url);
    if (host === null)
      return {
        problem: `${file}: ${name.slice(0, 100)} comes from ${isGit(url) ? "a git repository" : "no registry"}, which is not fetched. Publish it to a registry, or depend on a tarball's https address.`,
      };
    hosts.set(`${host.protocol}//${host.hostname}:${host.port}`, host);
  }
  return { hosts: [...hosts.values()] };
}

function isGit(url: string): boolean {
  return /^git[:@+]|^ssh:|^(git\+)?ssh:|^github:|\.git(#|$)|#commit=/.test(url);
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

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
