import pg from "pg";

/**
 * A pool that is closed before its database goes. `end` does not wait until the server has said goodbye: a drop of the
 * database then tells a connection that is already ours no more, and without a listener that would end the process.
 */
export function openPool(url: string, max: number): pg.Pool & AsyncDisposable {
  const pool = new pg.Pool({ connectionString: url, max });
  const fail = (error: Error) => {
    if (!pool.ending) throw error;
  };
  pool.on("error", fail);
  pool.on("connect", (client) => client.on("error", fail));
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}
