import { mkdirSync } from "node:fs";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Database } from "./database.ts";
import type { Log } from "./log.ts";
import { openEmbedded } from "./open-embedded.ts";
import { openServer } from "./open-server.ts";

type Deps = { log: Log };
type Input = {
  databaseUrl: string | undefined;
  databaseDirectUrl: string | undefined;
  databasePoolSize: number;
  dataFolder: string | undefined;
};

/**
 * The database of the settings: a server that answers, or the embedded one.
 * @throws Problem unavailable, usage, data_locked
 */
export async function openDatabase({ log }: Deps, input: Input): Promise<Database> {
  const { databaseUrl: url, databaseDirectUrl: directUrl, databasePoolSize: poolSize, dataFolder } = input;
  if (dataFolder) mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  if (!url) return openEmbedded(dataFolder);
  const host = hostOf(url);
  if (directUrl) hostOf(directUrl, "DATABASE_DIRECT_URL");
  const database = openServer({ log }, { url, directUrl, poolSize });
  try {
    await database.pool.query("select 1");
  } catch (error) {
    await database.close();
    throw asConnectProblem(error, host);
  }
  return database;
}

function hostOf(url: string, variable = "DATABASE_URL"): string {
  const { protocol, host } = URL.parse(url) ?? {};
  if (host && protocol && ["postgres:", "postgresql:"].includes(protocol)) return host;
  throw new Problem("usage", `${variable} is not the address of a Postgres.`, {
    next: "Write it as `postgres://user:password@host:5432/database`; special characters of the password are %-encoded.",
  });
}

/** OpenSSL's words for a chain that does not end in a known authority. */
const untrusted = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|CERT_(UNTRUSTED|SIGNATURE|HAS_EXPIRED)/;

function asConnectProblem(error: unknown, host: string): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const fail = (kind: "unavailable" | "usage", detail: string, next: string) =>
    new Problem(kind, detail, { next, cause: error });
  if (untrusted.test(code))
    return fail("usage", `The certificate of the database at ${host} is not trusted (${code}).`,
      "Name its authority's file: add `&sslrootcert=/path/ca.pem` to the `sslmode=verify-full` in DATABASE_URL."); // prettier-ignore
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return fail("usage", `The certificate of the database at ${host} is for another name: ${reasonOf(error)}`,
      "Use the name that stands in the certificate, or get one for this name."); // prettier-ignore
  if (/does not support SSL/i.test(String(error)))
    return fail("usage", `DATABASE_URL asks for TLS, and the database at ${host} speaks none: nothing was sent to it.`,
      "Switch TLS on there. Only on a network of your own: take `sslmode` out of DATABASE_URL."); // prettier-ignore
  if (code === "ENOENT")
    return fail("usage", `A file that DATABASE_URL names cannot be read: ${reasonOf(error)}`, "Correct `sslrootcert`.");
  if (code === "28P01" || code === "28000" || code === "3D000")
    return fail("usage", `The database at ${host} lets us not in: ${reasonOf(error)}`,
      "Correct user, password, database name or TLS mode in DATABASE_URL."); // prettier-ignore
  return fail("unavailable", `The database at ${host} does not answer: ${reasonOf(error)}`,
    "Start it, or correct DATABASE_URL. Without DATABASE_URL the server uses an embedded database."); // prettier-ignore
}

/** Node tries each address of a name and tells an empty sentence then. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(String).join("; ");
  return error instanceof Error ? error.message : String(error);
}
