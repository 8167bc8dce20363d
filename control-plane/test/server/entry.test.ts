import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, it } from "vitest";
import { call } from "../support/call-server.ts";
import { createDatabase } from "../support/open-test-database.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

const running: ServerProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
});
function start(args: string[], env: Record<string, string> = {}): ServerProcess {
  const server = startServerProcess(env, [], args);
  running.push(server);
  return server;
}
const problemOf = (server: ServerProcess) =>
  (server.events.find(({ event }) => event === "server.failed")?.["problem"] as { code?: string } | undefined)?.code;

it("tells its version and its help as plain text, and what is wrong with its arguments", async () => {
  const main = join(import.meta.dirname, "../../src/main.ts");
  const said = (arg: string) =>
    execFileSync(process.execPath, ["--conditions=source", main, arg], { encoding: "utf8" });
  const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
  expect(said("--version")).toBe(`${version}\n`);
  expect(said("--help")).toMatch(/--no-migrate[\s\S]+--migrate-only[\s\S]+MODE=self/);
  const unknown = start(["--migrate-onyl"]);
  expect(await unknown.ended).toMatchObject({ code: 2, said: expect.stringContaining("--migrate-onyl") as string });
  const both = start(["--migrate-only", "--no-migrate"]);
  expect(await both.ended).toMatchObject({ code: 2, said: expect.stringContaining("opposite") as string });
  expect(problemOf(both)).toBe("usage");
});

it("starts without migrating only on a schema of its version, which a step of its own makes, twice at once too", async () => {
  const env = { DATABASE_URL: await createDatabase(), MASTER_KEY: randomBytes(32).toString("base64") };
  const early = start(["--no-migrate"], env);
  expect(await early.ended).toMatchObject({ code: 7, said: expect.stringContaining("--migrate-only") as string });
  const client = new pg.Client({ connectionString: env.DATABASE_URL });
  await client.connect();
  const untouched = await client.query("select from pg_namespace where nspname in ('fc', 'auth')");
  expect(untouched.rowCount).toBe(0);

  const steps = [start(["--migrate-only"], env), start(["--migrate-only"], env)];
  for (const step of steps) expect(await step.ended).toEqual({ code: 0, said: "" });
  const applied = steps.map(({ events }) =>
    Number(events.find(({ event }) => event === "database.ready")?.["migrations"]),
  );
  expect(Math.min(...applied)).toBe(0);
  expect(Math.max(...applied)).toBeGreaterThan(10);

  const replicas = [start(["--no-migrate"], env), start(["--no-migrate"], env)];
  for (const replica of replicas) {
    const { url } = (await replica.event("server.listening")) as { url: string };
    expect(await call({ url }, "GET", "/api/healthz")).toMatchObject({ status: 200 });
  }
  // The next release's schema is served: it expands first. One column less is not.
  await client.query("insert into fc.migrations (name) values ('9999_next.sql')");
  const older = start(["--no-migrate"], env);
  await older.event("server.listening");
  await client.query('alter table auth."rateLimit" drop column count');
  const refused = start(["--no-migrate"], env);
  expect(await refused.ended).toMatchObject({ code: 7, said: expect.stringContaining("auth.rateLimit") as string });
  await client.end();
}, 60_000);

it("says what is wrong with the database's address, without its password", async () => {
  const failed = start([], { DATABASE_URL: "mysql://me:hunter2@127.0.0.1/db" });
  const { code, said } = await failed.ended;
  expect({ code, problem: problemOf(failed) }).toEqual({ code: 2, problem: "usage" });
  expect(said).toContain("DATABASE_URL");
  const named = new URL(process.env["TEST_DATABASE_URL"] ?? "");
  named.pathname = "/no_such_database";
  const absent = await start([], { DATABASE_URL: named.href }).ended;
  expect(absent).toMatchObject({ code: 2, said: expect.stringContaining("no_such_database") as string });
  expect(said + absent.said).not.toContain("hunter2");
});
