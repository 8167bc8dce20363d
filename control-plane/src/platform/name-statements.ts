import { createHash } from "node:crypto";
import type pg from "pg";

type Query = (...args: unknown[]) => unknown;

/**
 * Gives each statement with parameters a name, so that Postgres parses and plans it once per connection: planning
 * under row level security costs more than most of our statements do. Their texts are a fixed set, so that what the
 * connection keeps is bounded. Not for a connection that a pooler shares between clients.
 */
export function nameStatements(client: pg.ClientBase): void {
  const names = new Map<string, string>();
  const nameOf = (text: string) => {
    const known = names.get(text);
    if (known) return known;
    const name = createHash("sha256").update(text).digest("base64url");
    names.set(text, name);
    return name;
  };
  const query = client.query.bind(client) as Query;
  const named: Query = (text, values, ...rest) =>
    typeof text === "string" && Array.isArray(values) && values.length > 0
      ? query({ name: nameOf(text), text, values }, ...rest)
      : query(text, values, ...rest);
  Object.assign(client, { query: named });
}
