import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { call } from "../support/call-server.ts";
import { startTestServer, type TestServer } from "../support/start-test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "fc-pages-"));
let server: TestServer;
beforeAll(async () => {
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>pages</title>");
  writeFileSync(join(folder, "assets/a1.js"), "export {};");
  server = await startTestServer({ dashboardFolder: folder });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

it("sends every answer with a strict policy: pages, files, problems and the API", async () => {
  for (const path of [
    "/",
    "/projects",
    "/assets/a1.js",
    "/api/healthz",
    "/api/nothing",
    "/v1/me",
    "/api/auth/nothing",
  ]) {
    const { headers } = await call(server, "GET", path);
    const policy = headers.get("content-security-policy");
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).not.toMatch(/unsafe|\*/);
    expect(headers.get("x-content-type-options"), path).toBe("nosniff");
    expect(headers.get("referrer-policy"), path).toBe("no-referrer");
  }
});

it("serves the app's page for its own addresses and a problem for the API's", async () => {
  for (const path of ["/login", "/projects/prj_x/runs/run_y", "/../../etc/passwd", "/..%2f..%2fetc/passwd"])
    expect(await call(server, "GET", path), path).toMatchObject({
      status: 200,
      text: expect.stringContaining("pages") as string,
    });
  for (const path of ["/api/nothing", "/v1/nothing", "/api/v1/nothing"])
    expect(await call(server, "GET", path), path).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  expect((await call(server, "POST", "/login")).status).toBe(404);
  expect((await call(server, "GET", "/assets/a1.js")).headers.get("cache-control")).toContain("immutable");
  const { headers } = await call(server, "GET", "/");
  const same = await call(server, "GET", "/", {
    headers: { "if-none-match": headers.get("etag") ?? "" },
  });
  expect(same.status).toBe(304);
});
