import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type CompanyNetwork, openCompanyNetwork } from "../../src/company-network.ts";
import { type Attack, openAttack } from "../../src/open-attack.ts";
import { sedEngine } from "../../src/open-world.ts";

const dataFolder = inject("dataFolder");

describe("a token of GitHub Actions or of an App", () => {
  it("comes from the issue to the pull request, although it may not ask whose it is", async () => {
    await using world = await openAttack({ dataFolder, engineCommand: sedEngine });
    const permissions = { metadata: "read", contents: "write", issues: "write", pull_requests: "write" } as const;
    world.env["GITHUB_TOKEN"] = world.github.addToken({
      login: "github-actions[bot]", kind: "installation", repositories: [world.repo], permissions,
    }); // prettier-ignore
    const run = await world.run();
    expect(run.result, run.said).toMatchObject({ stage: "preview_ready" });
    expect(world.pulls()).toHaveLength(1);
  });
});

describe("a GitHub Enterprise behind a proxy with a login, with an authority of its own", () => {
  let world: Attack;
  let network: CompanyNetwork;
  beforeAll(async () => {
    world = await openAttack({ dataFolder, engineCommand: sedEngine });
    network = await openCompanyNetwork(join(world.folder, "company"), world.github.url);
    const { GITHUB_API_URL: _api, ...env } = world.env;
    for (const name of Object.keys(world.env)) delete world.env[name];
    Object.assign(world.env, env, { GITHUB_URL: network.origin });
  });
  afterAll(async () => {
    await network[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });
  const runWith = (settings: Record<string, string>) => {
    for (const name of ["https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]) delete world.env[name];
    Object.assign(world.env, settings);
    return world.run();
  };

  it("says that the proxy wants a login", async () => {
    const run = await runWith({ HTTPS_PROXY: network.proxy.urlWithoutLogin, SSL_CERT_FILE: network.authorityFile });
    expect(run.said).toContain("the proxy answered 407");
    expect(run.code).not.toBe(0);
  });

  it("says that the certificate is not trusted, and which variable helps", async () => {
    const run = await runWith({ HTTPS_PROXY: network.proxy.url });
    expect(run.said).toContain("its certificate is not trusted");
    expect(run.said).toContain("NODE_EXTRA_CA_CERTS");
  });

  it("comes from the issue to the pull request, through the proxy alone", async () => {
    const run = await runWith({ https_proxy: network.proxy.url, NODE_EXTRA_CA_CERTS: network.authorityFile });
    expect(run.result, run.said).toMatchObject({ stage: "preview_ready" });
    expect(world.pulls()).toHaveLength(1);
    // Everything else, such as the model's stand-in, is on loopback.
    expect(new Set(network.proxy.asked.map(({ target }) => target))).toEqual(new Set(["github.corp.test:443"]));
    expect(Object.entries(world.places(run)).filter(([, text]) => text.includes(network.proxy.password))).toEqual([]);
  });
});
