import { Kysely } from "kysely";
import pg from "pg";
import type { Database } from "./database.ts";
import { driverAddress } from "./driver-address.ts";
import { LateBeginDialect } from "./late-begin.ts";
import type { Log } from "./log.ts";
import { nameStatements } from "./name-statements.ts";

type Deps = { log: Log };
type Input = {
  url: string;
  /** For LISTEN, when `url` leads to a pooler. */
  directUrl?: string | undefined;
  poolSize: number;
};

/** Opens any Postgres from 15 on. Connections are made when they are first needed. */
export function openServer({ log }: Deps, { url, directUrl, poolSize }: Input): Database {
  const pool = new pg.Pool({
    connectionString: driverAddress(url),
    max: poolSize,
    connectionTimeoutMillis: 5_000,
  });
  pool.on("error", (error) => log.warn("database.connection_lost", { reason: error.message }));
  // One that is lost between two statements of a transaction: without a listener it would end the process. The next
  // statement fails, and with it the transaction.
  pool.on("connect", (client) => {
    // A second address for LISTEN means that the first one leads to a pooler.
    if (!directUrl || directUrl === url) nameStatements(client);
    client.on("error", (error) => log.warn("database.connection_lost", { reason: error.message, isInUse: true }));
  });
  const db = new Kysely<never>({ dialect: new LateBeginDialect({ pool }) });
  const listener = makeListener({ log }, directUrl ?? url);
  const close = async () => {
    await listener.close();
    await db.destroy();
  };
  return { kind: "server", db, pool, listen: listener.listen, close, [Symbol.asyncDispose]: close };
}

/** One connection for all LISTENs, made again whenever it is lost. */
function makeListener({ log }: Deps, url: string) {
  const heard = new Map<string, ((payload: string) => void)[]>();
  let client: pg.Client | undefined;
  let isClosed = false;
  let retry: NodeJS.Timeout | undefined;

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: driverAddress(url),
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    fresh.on("notification", ({ channel, payload }) => {
      for (const call of heard.get(channel) ?? []) call(payload ?? "");
    });
    fresh.on("error", (error) => log.warn("database.listener_lost", { reason: error.message }));
    fresh.on("end", () => again());
    client = fresh;
    await fresh.connect();
    for (const channel of heard.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`);
    // What was notified while nobody listened is found by looking.
    for (const calls of heard.values()) for (const call of calls) call("");
  }

  function again(): void {
    if (isClosed || retry) return;
    retry = setTimeout(() => {
      retry = undefined;
      connect().catch((error: unknown) => {
        log.warn("database.listener_failed", { reason: String(error) });
        again();
      });
    }, 500);
  }

  return {
    async listen(channel: string, call: (payload: string) => void): Promise<void> {
      const calls = heard.get(channel);
      if (calls) {
        calls.push(call);
        return;
      }
      heard.set(channel, [call]);
      if (client) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      else await connect();
    },
    async close(): Promise<void> {
      isClosed = true;
      clearTimeout(retry);
      await client?.end();
    },
  };
}
