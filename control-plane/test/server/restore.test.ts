import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { call } from "../support/call-server.ts";
import { createDatabase } from "../support/open-test-database.ts";
import { expectWhole, type Lived, live } from "../support/lived-in-server.ts";
import { startTestServer } from "../support/start-test-server.ts";

const tool = (name: string) => {
  const beside = `/usr/lib/postgresql/15/bin/${name}`;
  return existsSync(beside) ? beside : name;
};

it("case 38: a dump, restored elsewhere with the same master key, has login, runs, keys and credentials", async () => {
  const MASTER_KEY = randomBytes(32).toString("base64");
  const first = await createDatabase();
  let had: Lived;
  {
    await using server = await startTestServer({ env: { DATABASE_URL: first, MASTER_KEY } });
    had = await live(server);
  }
  const dump = execFileSync(tool("pg_dump"), ["--dbname", first, "--no-owner"], { maxBuffer: 64 * 1024 * 1024 });
  const second = await createDatabase();
  execFileSync(tool("psql"), ["--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", second], { input: dump, stdio: ["pipe", "ignore", "inherit"] }); // prettier-ignore
  {
    await using server = await startTestServer({ env: { DATABASE_URL: second, MASTER_KEY } });
    await expectWhole(server, had);
  }
  // Another master key opens none of it, says so, and overwrites nothing.
  await using other = await startTestServer({
    env: { DATABASE_URL: second, MASTER_KEY: randomBytes(32).toString("base64") },
  });
  expect(await call(other, "GET", "/api/healthz")).toMatchObject({ status: 503, body: { deps: { masterKey: false } } });
});

it("case 38: a copy of the embedded database's folder, made while the server is down, is the whole of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fc-copy-"));
  const [first, copy] = [join(folder, "first"), join(folder, "copy")];
  let had: Lived;
  {
    await using server = await startTestServer({ dataFolder: first });
    had = await live(server);
  }
  cpSync(first, copy, { recursive: true });
  rmSync(first, { recursive: true, force: true });
  {
    await using server = await startTestServer({ dataFolder: copy });
    await expectWhole(server, had);
  }
  rmSync(folder, { recursive: true, force: true });
});
