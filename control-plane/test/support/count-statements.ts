import type pg from "pg";
import type { TestDatabase } from "./open-test-database.ts";

/**
 * What is sent to a server's database from now on, by any connection of the pool that is taken from now on: each is
 * one round trip. Nothing else may use the pool meanwhile.
 */
export function countStatements({ pool }: TestDatabase): Disposable & { seen: string[] } {
  const seen: string[] = [];
  const ends = new Map<pg.PoolClient, () => void>();
  const onAcquire = (client: pg.PoolClient) => {
    if (ends.has(client)) return;
    const query = client.query as (...args: unknown[]) => unknown;
    const counted = (...args: unknown[]) => {
      const [asked] = args;
      seen.push(typeof asked === "string" ? asked : (asked as pg.QueryConfig).text);
      return query.apply(client, args);
    };
    Object.assign(client, { query: counted });
    ends.set(client, () => Object.assign(client, { query }));
  };
  pool.on("acquire", onAcquire);
  return {
    seen,
    [Symbol.dispose]() {
      pool.off("acquire", onAcquire);
      for (const end of ends.values()) end();
    },
  };
}
