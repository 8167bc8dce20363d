import { afterAll, beforeAll } from "vitest";
import { type Kind, openTestDatabase, type TestDatabase } from "./open-test-database.ts";

/** One database for the tests of a `describe`, each with a workspace of its own: an embedded one takes a second to open. */
export function shareDatabase(kind: Kind): () => TestDatabase {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });
  afterAll(() => database?.close());
  return () => {
    if (!database) throw new Error("The database is open while tests run only.");
    return database;
  };
}
