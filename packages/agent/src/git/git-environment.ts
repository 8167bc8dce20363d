import { proxyFor } from "@feedback-chat/protocol/http-proxies";
import type { NetworkFacts } from "../ports/network.ts";

export type GitProtocol = "http" | "https" | "file";

/** A secret for one origin. It reaches git by environment: never argv, never the address, never a file. */
export type GitToken = { origin: string; value: string };

/** How git reaches one repository: through which proxy, and which file of authorities it trusts. Null = git's default. */
export type GitNetwork = { proxy: string | null; certificatesFile: string | null };

/**
 * Everything that git may know of this machine: no configuration but ours, no home (curl would read `.netrc`),
 * no hooks, helpers, filters or replacements, and no protocol beyond the ones that are named.
 */
export function gitEnvironment(
  protocols: readonly GitProtocol[],
  token: GitToken | null,
  network: GitNetwork = { proxy: null, certificatesFile: null },
): Record<string, string> {
  const config: [string, string][] = [
    ...fixedConfig,
    ...protocols.map((protocol): [string, string] => [`protocol.${protocol}.allow`, "always"]),
  ];
  if (token) config.push([`http.${token.origin}.extraHeader`, `Authorization: Basic ${basicOf(token.value)}`]);
  if (network.proxy !== null) config.push(["http.proxy", network.proxy]);
  return {
    ...fixedEnvironment,
    ...(network.certificatesFile === null ? {} : { GIT_SSL_CAINFO: network.certificatesFile }),
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** What of the machine's network concerns one repository. */
export function gitNetworkFor(cloneUrl: string, facts: NetworkFacts | undefined): GitNetwork {
  if (!facts || !/^https?:/.test(cloneUrl)) return { proxy: null, certificatesFile: null };
  return { proxy: proxyFor(cloneUrl, facts.httpProxies), certificatesFile: facts.gitCertificatesFile };
}

/** GitHub takes any user name with a token as the password. */
export function basicOf(token: string): string {
  return Buffer.from(`x-access-token:${token}`).toString("base64");
}

const nowhere = "/nonexistent";
const fixedEnvironment = {
  PATH: "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin",
  HOME: nowhere,
  XDG_CONFIG_HOME: nowhere,
  LC_ALL: "C",
  TZ: "UTC",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_GRAFT_FILE: "/dev/null",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_LITERAL_PATHSPECS: "1",
};

const fixedConfig: [string, string][] = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.untrackedCache", "false"],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.ignoreCase", "false"],
  ["core.autocrlf", "false"],
  ["core.sshCommand", "false"],
  ["core.askPass", ""],
  ["core.useReplaceRefs", "false"],
  ["safe.bareRepository", "explicit"],
  ["safe.directory", "*"],
  ["protocol.allow", "never"],
  ["credential.helper", ""],
  ["http.followRedirects", "initial"],
  ["http.lowSpeedLimit", "100"],
  ["http.lowSpeedTime", "60"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["diff.ignoreSubmodules", "all"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["commit.gpgSign", "false"],
  ["push.gpgSign", "false"],
  ["push.recurseSubmodules", "no"],
  ["advice.detachedHead", "false"],
];
