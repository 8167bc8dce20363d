import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { becomeOwner, call, createProject } from "../support/call-server.ts";
import { startTestServer } from "../support/start-test-server.ts";

it("case 27: stays up without its master key, says so, overwrites nothing, and heals when the key is back", async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "fc-key-"));
  const file = join(dataFolder, "master-key");
  let token: string;
  let path: string;
  {
    await using server = await startTestServer({ dataFolder });
    ({ token } = await becomeOwner(server));
    const { project } = await createProject(server, token);
    path = `/v1/projects/${project.id}/credentials`;
    const set = await call(server, "POST", path, {
      token,
      body: { type: "anthropic_api_key", value: "sk-ant-0123456789" },
    });
    expect(set.status).toBe(201);
    expect(await call(server, "GET", "/api/healthz")).toMatchObject({ status: 200 });
  }
  renameSync(file, `${file}.lost`);
  const lost = { database: true, masterKey: false, queue: true };
  {
    await using server = await startTestServer({ dataFolder });
    expect(await call(server, "GET", "/api/healthz")).toMatchObject({
      status: 503,
      body: { deps: lost },
    });
    expect((await call(server, "GET", path, { token })).status).toBe(200); // what needs no key works
    const set = await call(server, "POST", path, {
      token,
      body: { type: "anthropic_api_key", value: "sk-ant-another" },
    });
    expect(set).toMatchObject({ status: 503, body: { code: "vault_shut" } });
    expect(set.text).not.toContain("sk-ant");
    expect(
      (
        await call(server, "POST", "/v1/projects", {
          token,
          body: { name: "Two", githubRepo: "a/b" },
        })
      ).status,
    ).toBe(503);
    expect(readdirSync(dataFolder)).not.toContain("master-key"); // no new one in its place
  }
  writeFileSync(file, readFileSync(`${file}.lost`));
  {
    await using server = await startTestServer({ dataFolder });
    expect(await call(server, "GET", "/api/healthz")).toMatchObject({ status: 200 });
    expect((await call(server, "GET", path, { token })).text).toContain('"last4":"6789"');
  }
  {
    await using server = await startTestServer({
      dataFolder,
      env: { MASTER_KEY: Buffer.alloc(32, 1).toString("base64") },
    });
    expect(await call(server, "GET", "/api/healthz")).toMatchObject({
      status: 503,
      body: { deps: lost },
    });
  }
  rmSync(dataFolder, { recursive: true, force: true });
}, 120_000);
