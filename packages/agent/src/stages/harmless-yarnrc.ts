import * as z from "zod";
import { yamlOf } from "./read-yaml.ts";

/** Settings that decide what is installed, and where to. Programs, plugins, credentials and proxies are not among them. */
const kept = [
  ...["nodeLinker", "nmHoistingLimits", "nmSelfReferences", "compressionLevel", "supportedArchitectures"],
  ...["pnpMode", "pnpFallbackMode", "pnpIgnorePatterns", "pnpEnableEsmLoader", "pnpEnableInlining"],
  ...["packageExtensions", "enableTransparentWorkspaces", "defaultSemverRangePrefix", "defaultProtocol"],
  ...["catalog", "catalogs", "unsafeHttpWhitelist"],
];

const address = z.string().refine((value) => !value.includes("$"));
const registries = z.object({
  npmRegistryServer: address.optional(),
  npmScopes: z.record(z.string(), z.object({ npmRegistryServer: address.optional() })).optional(),
});
const names = z.object({ nodeLinker: z.string().optional(), yarnPath: z.string().optional() });

export type Yarnrc = {
  /** What the fetch sandbox sees instead: YAML. */
  harmless: string;
  registries: { usual: string | null; all: string[] };
  isPnp: boolean;
  /** Of the program in the repository that it names, by that file's name. */
  version: string | null;
};

/** Reads the .yarnrc.yml of yarn 2 and later; null when it is no YAML map. */
export function readYarnrc(text: string): Yarnrc | null {
  const value = yamlOf(text);
  const parsed = z.record(z.string(), z.unknown()).safeParse(value === null ? {} : value);
  if (!parsed.success) return null;
  const { npmRegistryServer, npmScopes } = registries.safeParse(parsed.data).data ?? {};
  const { nodeLinker, yarnPath } = names.safeParse(parsed.data).data ?? {};
  const scopes = Object.entries(npmScopes ?? {}).filter(([, scope]) => scope.npmRegistryServer !== undefined);
  const usual = npmRegistryServer ?? null;
  return {
    harmless: JSON.stringify({
      ...Object.fromEntries(Object.entries(parsed.data).filter(([name]) => kept.includes(name))),
      ...(usual === null ? {} : { npmRegistryServer: usual }),
      ...(scopes.length === 0 ? {} : { npmScopes: Object.fromEntries(scopes) }),
    }),
    registries: {
      usual,
      all: [...(usual === null ? [] : [usual]), ...scopes.map(([, scope]) => scope.npmRegistryServer ?? "")],
    },
    isPnp: (nodeLinker ?? "pnp") === "pnp",
    version: /yarn-(\d+\.\d+\.\d+(?:-[\w.-]+)?)\.c?js$/.exec(yarnPath ?? "")?.[1] ?? null,
  };
}
