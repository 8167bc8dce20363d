import { Problem } from "@feedback-chat/protocol/problem";

/** The version that the agent package was measured with. */
export const engineVersion = "2.1.329";

const name = "@anthropic-ai/claude-code";

/**
 * What the registry said of that version's tarballs when it was measured. Ours, so that a registry or a mirror that
 * serves other bytes under the same number is noticed. A test holds them to the workspace's own lockfile.
 */
const integrityOf: Record<string, string> = {
  [name]: "sha512-WQ7RY331gsODjOoDBbeG1fjMfKY1Ur9yxWAOI9SgdLZvqA9sAREaezXt7e3uNbHlgjVAZg1IqlJT1J7WKViEFA==",
  [`${name}-darwin-arm64`]: "sha512-brgS94FOoB+ekq1gIeNpBtGAbzWxE1UEeBQWfk1KX1BStrMIxwWXriPfQLKEkFTWHpmGXv2fZxxMQJsR+5PhZw==",
  [`${name}-darwin-x64`]: "sha512-6cjJiD19yxOzdnzErJ8ougFKoksK/wUvOJb6V2iCXg1rM9gGEY1I7HE8jQnvh6buAuXHtHaahfoiiISaplOxYg==",
  [`${name}-linux-arm64`]: "sha512-IiG5umFToSCVWqB1lEsxxwIxKgxPXyZ3DRU915v8J4Bz5Q3JpslM0ew1m5yaT+lFXBPvYxmsEgi0XI68XHND0A==",
  [`${name}-linux-arm64-musl`]: "sha512-uVWrRp60cqvikJ13Rtmlkd8WuJtJEWAuGJzenJ0or0I7by05kRWopFdDdpWYQi8dRIJ6+W9T9w+PA4B+EjfCXQ==",
  [`${name}-linux-x64`]: "sha512-+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==",
  [`${name}-linux-x64-musl`]: "sha512-EouW7B/aG3GOQBmzN9MxHV9uTOE2r6E+VIlFBrBgIEBuBBF4qH1GTvg5/CVf53gGp4DgVf1CYdBHjS+2NeDP4A==",
  [`${name}-win32-arm64`]: "sha512-8h2qmTBTwidpMLUqQuym7+mV91zbcFlmprl7MKrIhbgQaCOS/DyueeePJCqlxNhno1y349NcpJXvXd4AfsDVlw==",
  [`${name}-win32-x64`]: "sha512-BkbOTOAYvz1BNVwdRJzibhxXtZVw289ucHt1aSArGSax8C6INgf6Xtp2wxmwsSSpKk+P8LyIhj0ufvFD1VJOFA==",
}; // prettier-ignore

export type System = { platform: string; arch: string; isMusl: boolean };

/**
 * `package.json` and `package-lock.json` of the pinned engine for one system: npm then takes these very bytes or
 * fails. The system's own program is named as a dependency, since of an optional one npm drops what is wrong and
 * ends with 0 (measured with 11.19).
 * @throws Problem package_missing where there is no such program
 */
export function engineLock({ platform, arch, isMusl }: System) {
  const native = `${name}-${platform}-${arch}${isMusl ? "-musl" : ""}`;
  const [own, program] = [integrityOf[name], integrityOf[native]];
  if (!own || !program)
    throw new Problem("package_missing", `There is no Claude Code ${engineVersion} for ${platform} on ${arch}.`, {
      next: "Name a program of your own with FEEDBACK_CHAT_ENGINE_PATH, or another agent with FEEDBACK_CHAT_ENGINE_COMMAND.",
    });
  const manifest = { private: true, dependencies: { [name]: engineVersion, [native]: engineVersion } };
  const packages = {
    "": manifest,
    [`node_modules/${name}`]: {
      version: engineVersion,
      integrity: own,
      hasInstallScript: true,
      optionalDependencies: { [native]: engineVersion },
    },
    [`node_modules/${native}`]: { version: engineVersion, integrity: program },
  };
  return { manifest, lock: { lockfileVersion: 3, requires: true, packages } };
}
