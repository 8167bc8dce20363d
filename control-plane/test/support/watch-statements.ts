import pg from "pg";

/**
 * The texts of what is sent over connections that are opened from now on; open it before the server's pool.
 * `take` gives those since it was called last, in order.
 */
export function watchStatements(): Disposable & { take(): string[] } {
  const statements: string[] = [];
  const { query } = pg.Client.prototype;
  const spied = function (this: pg.Client, first: string | { text?: string }, ...rest: unknown[]) {
    statements.push((typeof first === "string" ? first : (first.text ?? "")).trim());
    return Reflect.apply(query, this, [first, ...rest]) as unknown;
  };
  Object.assign(pg.Client.prototype, { query: spied });
  return {
    take: () => statements.splice(0),
    [Symbol.dispose]: () => void Object.assign(pg.Client.prototype, { query }),
  };
}
