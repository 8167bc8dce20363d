/** A package manager as the registry has it: unpacked and run in the fetch sandbox, and nowhere else. */
export type PackageProgram = {
  name: "pnpm" | "yarn";
  version: string;
  /** Of its tarball, as corepack writes it; null = what the registry's own answer says. */
  hash: { algorithm: string; hex: string } | null;
};

const named =
  /^(?<name>npm|pnpm|yarn|bun)@(?<version>\d+\.\d+\.\d+(?:-[\w.-]+)?)(?:\+(?<algorithm>sha(?:1|224|256|384|512))\.(?<hex>[0-9a-f]{40,128}))?$/;

/**
 * The package manager that the base's package.json names in `packageManager`; null when it names none, or one by a
 * range. A commit of the maintainers says which program it is; that it is this one, its hash or the registry.
 */
export function namedProgram(
  packageManager: unknown,
): { name: string; version: string; hash: PackageProgram["hash"] } | null {
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

export const classicYarn: PackageProgram = pinned("yarn", "1.22.22", "prL3kGtyG7o9Z9Sv8IPfBNrWTDmXB4Qbes8A9rEzt6wkJV8mUvoirjU0Mp3GGAU06Y0XQyA3/2/RQFVuK7MTfg=="); // prettier-ignore

function pinned(name: PackageProgram["name"], version: string, integrity: string): PackageProgram {
  return { name, version, hash: { algorithm: "sha512", hex: Buffer.from(integrity, "base64").toString("hex") } };
}
