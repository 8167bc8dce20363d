/** A package manager as the registry has it: unpacked and run in the fetch sandbox, and nowhere else. */
export type PackageProgram = {
  name: "pnpm" | "yarn" | "bun";
  /** What the registry calls it. */
  package: string;
  version: string;
  /** null = what the registry's own answer says. */
  hash: ProgramHash | null;
  /** A package that must name this one with the same version, and whose tarball is hashed instead; null = none. */
  vouchedBy: { package: string; hash: ProgramHash } | null;
  /** The program's file in the package; null = the one that its package.json names. */
  file: string | null;
  /** A Node script, or a program of its own. */
  runs: "by_node" | "itself";
};

/** Of the tarball, or of the program's file: corepack hashes that one for yarn 2 and later. */
export type ProgramHash = { algorithm: string; hex: string; of: "tarball" | "file" };

export type Architecture = "x64" | "arm64";
export type NamedProgram = { name: string; version: string; hash: { algorithm: string; hex: string } | null };

const named =
  /^(?<name>npm|pnpm|yarn|bun)@(?<version>\d+\.\d+\.\d+(?:-[\w.-]+)?)(?:\+(?<algorithm>sha(?:1|224|256|384|512))\.(?<hex>[0-9a-f]{40,128}))?$/;

/**
 * The package manager that the base's package.json names in `packageManager`; null when it names none, or one by a
 * range. A commit of the maintainers says which program it is; its hash or the registry, that it is this one.
 */
export function namedProgram(packageManager: unknown): NamedProgram | null {
  const groups = typeof packageManager === "string" ? named.exec(packageManager)?.groups : undefined;
  if (!groups) return null;
  const { name = "", version = "", algorithm, hex } = groups;
  return { name, version, hash: algorithm && hex ? { algorithm, hex } : null };
}

/** Where the base names no program: one of ours, pinned, that reads the lockfile's form. */
export const pnpmOfLockfile: Record<string, PackageProgram> = {
  "9.0": pinned("pnpm", "10.34.8", "9ieo6XE0Ov5J39D2PQKCNCAd+oMdXLWIcz4eX42ya/FpiaMhYatcG02zsf28NzFgYGtbieAC323RmoWt+R/FqA=="), // prettier-ignore
  "6.0": pinned("pnpm", "8.15.9", "SZQ0ydj90aJ5Tr9FUrOyXApjOrzuW7Fee13pDzL0e1E6ypjNXP0AHDHw20VLw4BO3M1XhQHkyik6aBYWa72fgQ=="), // prettier-ignore
};

export const classicYarn = pinned("yarn", "1.22.22", "prL3kGtyG7o9Z9Sv8IPfBNrWTDmXB4Qbes8A9rEzt6wkJV8mUvoirjU0Mp3GGAU06Y0XQyA3/2/RQFVuK7MTfg=="); // prettier-ignore

/** By the form of their lockfile: one that writes another form refuses to install. */
export const berryOfLockfile: Record<string, PackageProgram> = {
  "5": pinnedBerry("3.1.1", "7R8UUelyaGkpiSEgDgeK4A8jEUNmKw+un4UCY0xQoFXBJgVWS6lyWWN57FSs+3ybHZuNrEzaEa9+Bb5hiktGug=="),
  "6": pinnedBerry("3.8.7", "YMoAlLR9f+kxXjK72ggBIidi3ulQQrQpMSxzrLUt0OUk9Xdst2v26LBSYFlzOm+7KRNWgYIJpFjA8uRnCgB5xQ=="),
  "8": pinnedBerry("4.12.0", "r0AVfpKUXIbgajKFY0wWMZLwZou+CJmtqt+Y5LTimbPaA78srI0SnLJIS4ikPE1mv8YTPQ7mqRUdoDB7W+kDDA=="), // prettier-ignore
  "9": pinnedBerry("4.14.1", "62uYRCYBnAwNZ1Y4uMh0iUXtgZe4frwAgd5dJFoTu/uWMZWpJzxY2ib0cAva1eiy1L2jiDR0dS1Os+1osiIxvA=="), // prettier-ignore
  "10": pinnedBerry("4.18.1", "EH+A4TxAtBWXKE0DGQxW9Bo9crXHLJ73mfxjTQJuv8XonNWWTpei8BQ5JjczHJNU9GROTycwMFn8iOvRIZXUcA=="), // prettier-ignore
};

const bunPackages: Record<Architecture, { package: string; integrity: string }> = {
  // The build without AVX2: which processor it is, only the sandbox knows.
  x64: {
    package: "@oven/bun-linux-x64-baseline",
    integrity: "s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
  },
  arm64: {
    package: "@oven/bun-linux-aarch64",
    integrity: "4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
  },
};

/** Of the version that the base names, else ours. */
export function bunProgram(named: NamedProgram | null, architecture: Architecture): PackageProgram {
  const ours = bunPackages[architecture];
  const program = { name: "bun", package: ours.package, vouchedBy: null, file: "bin/bun", runs: "itself" } as const;
  // A hash in `packageManager` is that of another file: corepack knows no bun.
  if (named) return { ...program, version: named.version, hash: null };
  return { ...program, version: "1.4.5", hash: hashOf(ours.integrity) };
}

/** From version 12 on, pnpm's package holds no program: it names one package for each system. */
export function pnpmProgram({ version, hash }: NamedProgram, architecture: Architecture): PackageProgram {
  const common = { name: "pnpm", version } as const;
  if (Number(version.split(".")[0]) >= 12)
    return {
      ...common,
      package: `@pnpm/exe.linux-${architecture}`,
      hash: null,
      vouchedBy: hash && { package: "pnpm", hash: { ...hash, of: "tarball" } },
      file: "pnpm",
      runs: "itself",
    };
  return {
    ...common,
    package: "pnpm",
    hash: hash && { ...hash, of: "tarball" },
    vouchedBy: null,
    file: null,
    runs: "by_node",
  };
}

export function yarnProgram({ version, hash }: NamedProgram): PackageProgram {
  const common = { name: "yarn", version, vouchedBy: null, file: null, runs: "by_node" } as const;
  return version.startsWith("1.")
    ? { ...common, package: "yarn", hash: hash && { ...hash, of: "tarball" } }
    : { ...common, package: "@yarnpkg/cli-dist", hash: hash && { ...hash, of: "file" } };
}

function pinned(name: "pnpm" | "yarn", version: string, integrity: string): PackageProgram {
  return { name, package: name, version, hash: hashOf(integrity), vouchedBy: null, file: null, runs: "by_node" };
}

function pinnedBerry(version: string, integrity: string): PackageProgram {
  return { ...pinned("yarn", version, integrity), package: "@yarnpkg/cli-dist" };
}

function hashOf(integrity: string): ProgramHash {
  return { algorithm: "sha512", hex: Buffer.from(integrity, "base64").toString("hex"), of: "tarball" };
}
