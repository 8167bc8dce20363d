import { randomUUID } from "node:crypto";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import type { Database } from "../../src/platform/database.ts";
import { jsonLog, type Log } from "../../src/platform/log.ts";
import { migrate } from "../../src/platform/migrate.ts";
import { overLite } from "../../src/platform/open-embedded.ts";
import { openServer } from "../../src/platform/open-server.ts";
import { embeddedTemplate } from "./embedded-template.ts";

export type Kind = Database["kind"];
export type TestDatabase = Database & { url: string | undefined };

/** Of queue, tenancy and migration tests: each runs on both. */
export const kinds: Kind[] = ["server", "embedded"];

/** Keeps quiet: what a server logs is part of a test only where the test looks. */
export const quietLog: Log = jsonLog(
  () => undefined,
  () => new Date(),
);

/** A migrated database of its own, gone with the returned value. `server` lies in TEST_DATABASE_URL's cluster. */
export async function openTestDatabase(kind: Kind = "server"): Promise<TestDatabase> {
  if (kind === "embedded") {
    const database = await overLite(await PGlite.create({ loadDataDir: await embeddedTemplate() }));
    return { ...database, url: undefined };
  }
  const url = await createDatabase(await template());
  const database = openServer({ log: quietLog }, { url, poolSize: 20 });
  const close = async () => {
    await database.close();
    await onCluster((client) => client.query(`drop database ${pg.escapeIdentifier(nameOf(url))} with (force)`));
  };
  return { ...database, url, close, [Symbol.asyncDispose]: close };
}

/** An empty database on the cluster, for tests of migrations. The caller drops nothing: the cluster ends with the run. */
export async function createDatabase(of?: string): Promise<string> {
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  await onCluster((client) =>
    client.query(`create database ${pg.escapeIdentifier(name)}${of ? ` template ${pg.escapeIdentifier(of)}` : ""}`),
  );
  return urlOf(name);
}

/** Migrated once per cluster and version of the migrations; test processes that start at once wait for one another. */
async function template(): Promise<string> {
  const name = "feedback_chat_template";
  await onCluster(async (client) => {
    await client.query("select pg_advisory_lock(7316402916)");
    const { rowCount } = await client.query("select from pg_database where datname = $1", [name]);
    if (rowCount) return;
    await client.query(`create database ${name}_making`);
    {
      await using database = openServer({ log: quietLog }, { url: urlOf(`${name}_making`), poolSize: 2 });
      await migrate(database.db);
    }
    await client.query(`alter database ${name}_making rename to ${name}`);
  });
  return name;
}

/** As hosted databases give it: its owner may make roles, and is no superuser. */
export async function createHostedDatabase(): Promise<string> {
  const url = new URL(await createDatabase());
  const role = `owner_${randomUUID().replaceAll("-", "")}`;
  await onCluster(async (client) => {
    await client.query(`create role ${role} login createrole password 'not: a/secret'`);
    await client.query(`alter database ${pg.escapeIdentifier(nameOf(url.href))} owner to ${role}`);
  });
  url.username = role;
  url.password = encodeURIComponent("not: a/secret");
  return url.href;
}

async function onCluster<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: clusterUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function clusterUrl(): string {
  const url = process.env["TEST_DATABASE_URL"];
  if (!url) throw new Error("TEST_DATABASE_URL is not set: run by `node scripts/with-postgres.ts -- …`.");
  return url;
}

function urlOf(name: string): string {
  const url = new URL(clusterUrl());
  url.pathname = `/${name}`;
  return url.href;
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
