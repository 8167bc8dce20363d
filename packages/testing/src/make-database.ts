import { randomBytes } from "node:crypto";
import pg from "pg";

/** A database of its own in the cluster of `superuserUrl`; dropped with everything in it at the end. */
export async function makeDatabase(superuserUrl: string): Promise<AsyncDisposable & { url: string }> {
  const name = `world_${randomBytes(6).toString("hex")}`;
  await onServer(superuserUrl, `create database ${name}`);
  const url = new URL(superuserUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => onServer(superuserUrl, `drop database ${name} with (force)`),
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
