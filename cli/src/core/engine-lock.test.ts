import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { engineLock, engineVersion } from "./engine-lock.ts";

const workspaceLock = readFileSync(join(import.meta.dirname, "../../../pnpm-lock.yaml"), "utf8");
/** Of the workspace's lockfile, by package. */
const resolved = [
  ...workspaceLock.matchAll(
    /'(@anthropic-ai\/claude-code([a-z0-9-]*))@([\d.]+)':\n +resolution: \{integrity: (\S+)\}/g,
  ),
].map(([, name = "", system = "", version, integrity]) => ({ name, system, version, integrity }));

describe("engineLock", () => {
  it("pins what the workspace was tested with, for each system that there is", () => {
    const systems = resolved.filter(({ system }) => system !== "");
    expect(systems).toHaveLength(8);
    const wrapper = resolved.find(({ system }) => system === "");
    for (const { name, system, version, integrity } of systems) {
      const [platform = "", arch = "", libc] = system.slice(1).split("-");
      const { manifest, lock } = engineLock({ platform, arch, isMusl: libc === "musl" });
      expect(version).toBe(engineVersion);
      expect(manifest.dependencies).toEqual({ "@anthropic-ai/claude-code": version, [name]: version });
      expect(lock.packages).toMatchObject({
        "node_modules/@anthropic-ai/claude-code": { version, integrity: wrapper?.integrity },
        [`node_modules/${name}`]: { version, integrity },
      });
    }
  });

  it("leaves nothing that npm may drop in silence", () => {
    const { lock } = engineLock({ platform: "linux", arch: "x64", isMusl: false });
    expect(JSON.stringify(lock)).not.toContain('"optional":true');
    expect(Object.keys(lock.packages)).toHaveLength(3);
  });

  it("says what to name where there is no such program", () => {
    expect(() => engineLock({ platform: "sunos", arch: "x64", isMusl: false })).toThrow(/no Claude Code .* for sunos/);
  });
});
