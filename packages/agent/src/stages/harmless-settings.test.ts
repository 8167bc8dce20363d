import { describe, expect, it } from "vitest";
import { harmlessBunfig, registriesOfBunfig } from "./harmless-bunfig.ts";
import { harmlessNpmrc, registriesOf } from "./harmless-npmrc.ts";
import { readYarnrc } from "./harmless-yarnrc.ts";

describe("settings of the base that the fetch sandbox sees", () => {
  it("are of .npmrc the harmless ones and registries", () => {
    const text = `registry=http://x/\nlegacy-peer-deps=true\n//x/:_authToken=abc\nscript-shell=/bin/evil\nforce=\${X}
@shop:registry="https://shop.example.com"\n@y:registry=https://\${Y}/\nnode-linker=hoisted\nproxy=http://evil\n`;
    expect(harmlessNpmrc(text)).toBe(
      'registry=http://x/\nlegacy-peer-deps=true\n@shop:registry="https://shop.example.com"\nnode-linker=hoisted\n',
    );
    expect(registriesOf(text)).toEqual({ usual: "http://x/", all: ["http://x/", "https://shop.example.com"] });
  });

  it("are of .yarnrc.yml neither programs nor plugins, credentials or proxies", () => {
    const text = `yarnPath: .yarn/releases/yarn-4.5.0.cjs
plugins: [{ path: .yarn/plugins/evil.cjs }]
nodeLinker: node-modules
npmAuthToken: abc
httpsProxy: "http://evil:1"
cacheFolder: /etc
catalog: { ms: ^2.0.0 }
npmRegistryServer: "https://npm.example.com"
npmScopes:
  shop: { npmRegistryServer: "https://shop.example.com", npmAuthToken: "\${TOKEN}" }
  other: { npmAuthToken: abc }
`;
    const rc = readYarnrc(text)!;
    expect(JSON.parse(rc.harmless)).toEqual({
      nodeLinker: "node-modules",
      catalog: { ms: "^2.0.0" },
      npmRegistryServer: "https://npm.example.com",
      npmScopes: { shop: { npmRegistryServer: "https://shop.example.com" } },
    });
    expect(rc).toMatchObject({
      isPnp: false,
      version: "4.5.0",
      registries: { usual: "https://npm.example.com", all: ["https://npm.example.com", "https://shop.example.com"] },
    });
    expect(readYarnrc("# nothing\n")).toMatchObject({ isPnp: true, version: null, registries: { all: [] } });
    for (const text of ["- a list", "a: [", "word"]) expect(readYarnrc(text), text).toBeNull();
  });

  it("are of bunfig.toml registries and the layout, without scanners and preloads", () => {
    const text = `preload = ["./evil.ts"]
[install]
registry = "https://npm.example.com" # ours
linker = "isolated"
cache = { dir = "/etc" }
[install.security]
scanner = "evil"
[install.scopes]
shop = "https://shop.example.com"
other = { token = "abc", url = "https://other.example.com" }
third = "https://$USER:x@third.example.com"
`;
    expect(harmlessBunfig(text)).toBe(`[install]
registry = "https://npm.example.com" # ours
linker = "isolated"
[install.scopes]
shop = "https://shop.example.com"
`);
    expect(registriesOfBunfig(text)).toEqual({
      usual: "https://npm.example.com",
      all: ["https://npm.example.com", "https://shop.example.com"],
    });
  });
});
