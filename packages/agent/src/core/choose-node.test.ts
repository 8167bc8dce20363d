import fc from "fast-check";
import { satisfies } from "semver";
import { describe, expect, it } from "vitest";
import { chooseNode, wantedNode, type NodeChoice } from "./choose-node.ts";
import { nodeReleases } from "./node-releases.ts";

const ours = "24.4.0";
const choose = (text: string) => chooseNode({ text, source: "engines.node" }, ours, nodeReleases);
const usedBy = (choice: NodeChoice) => (choice.use === "ours" ? ours : choice.release.version);

describe("wantedNode", () => {
  const packageJson = {
    engines: { node: "^20" },
    volta: { node: "18.20.8" },
    devEngines: {
      runtime: [
        { name: "bun", version: "1" },
        { name: "node", version: "22" },
      ],
    },
  };
  const { engines: _, ...withVolta } = packageJson;
  const { volta: __, ...withRuntime } = withVolta;

  it.each([
    [{ nvmrc: "# ours\n v22 # jod\n", nodeVersion: "20", packageJson }, "v22", ".nvmrc"],
    [{ nvmrc: "\n", nodeVersion: "20\n", packageJson }, "20", ".node-version"],
    [{ nvmrc: null, nodeVersion: null, packageJson }, "^20", "engines.node"],
    [{ nvmrc: null, nodeVersion: null, packageJson: withVolta }, "18.20.8", "volta.node"],
    [{ nvmrc: null, nodeVersion: null, packageJson: withRuntime }, "22", "devEngines.runtime"],
  ])("reads the first that is there: %j", (files, text, source) => {
    expect(wantedNode(files)).toEqual({ text, source });
  });

  it("reads nothing into what no package.json should hold", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (engines, runtime) => {
        const files = { nvmrc: null, nodeVersion: null, packageJson: { engines, devEngines: { runtime } } };
        expect([null, "string"]).toContain(wantedNode(files) && typeof wantedNode(files)?.text);
      }),
    );
    expect(wantedNode({ nvmrc: null, nodeVersion: null, packageJson: "no object" })).toBeNull();
  });
});

describe("chooseNode", () => {
  it.each([
    [">=20", ours], ["*", ours], ["24", ours], ["lts/*", ours], ["lts/Krypton", ours], ["^18 || ^24", ours],
    [">=20 <21", "20.20.2"], ["v18", "18.20.8"], ["^18 || ^20", "20.20.2"], ["22.x", "22.23.5"], [">=24.5", "26.12.1"],
    ["lts/iron", "20.20.2"], ["lts/-1", "22.23.5"], ["node", "26.12.1"], ["<17", "16.20.2"],
  ])("%s runs on %s", (text, version) => {
    expect([usedBy(choose(text)), choose(text).note]).toEqual([version, null]);
  }); // prettier-ignore

  it.each([
    ["20.11.0", "20.20.2", "The project wants Node 20.11.0 (engines.node); this run used Node 20.20.2. "],
    ["24.3.0", ours, "The project wants Node 24.3.0 (engines.node); this run used Node 24.4.0. "],
    ["20.99", ours, "Workers can fetch Node 16, 18, 20, 22, 24, 26, the newest of each."],
    ["21", ours, "The project wants Node 21 (engines.node); this run used Node 24.4.0. "],
    ["<12", ours, "Workers can fetch"],
    ["lts/argon", ours, '"lts/argon" names no version.'],
    ["system", ours, '"system" names no version.'],
  ])("%s runs on %s, and says so", (text, version, words) => {
    expect(usedBy(choose(text))).toBe(version);
    expect(choose(text).note).toContain(words);
  });

  it("says so exactly when the version does not satisfy the range", () => {
    const part = fc.nat({ max: 30 });
    const range = fc
      .tuple(fc.constantFrom("", "^", "~", ">=", "<", "<="), part, part)
      .map(([sign, major, minor]) => `${sign}${major}.${minor}.0`);
    fc.assert(
      fc.property(range, part, (text, major) => {
        const own = `${major}.1.0`;
        const choice = chooseNode({ text, source: ".nvmrc" }, own, nodeReleases);
        const used = choice.use === "ours" ? own : choice.release.version;
        expect(choice.note === null).toBe(satisfies(used, text));
        if (satisfies(own, text)) expect(choice.use).toBe("ours");
      }),
    );
  });
});

describe("nodeReleases", () => {
  it("stand in order, one for each major, with a sha512 for each processor", () => {
    const majors = nodeReleases.map(({ version }) => Number(version.split(".")[0]));
    expect(majors).toEqual([...new Set(majors)].toSorted((a, b) => a - b));
    for (const { integrity } of nodeReleases)
      expect(Object.values(integrity).filter((hash) => /^sha512-[\w+/]{86}==$/.test(hash))).toHaveLength(2);
  });
});
